//! YAML as Docker reads it: a tree whose nodes know their lines, and texts as they were written.

use std::collections::BTreeMap;
use std::rc::Rc;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};

use super::Unreadable;
use super::text::with_defaults;

/// Deepest nesting; Docker's files have some ten levels.
const DEPTH_MAX: usize = 50;

/// A value, and where it is.
#[derive(Clone, Debug)]
pub(in crate::doctor) struct Node {
    /// From 1; of a map's value, that of its key.
    pub(in crate::doctor) line: usize,
    content: Content,
}

/// What is anchored is shared, so that a small file cannot become a large tree.
#[derive(Clone, Debug)]
enum Content {
    /// Not quoted: it may be a number.
    Plain(Rc<str>),
    Quoted(Rc<str>),
    List(Rc<[Node]>),
    Map(Rc<[Entry]>),
}

#[derive(Clone, Debug)]
struct Entry {
    key: String,
    value: Node,
}

impl Node {
    /// What a map has under a key.
    pub(in crate::doctor) fn get(&self, key: &str) -> Option<&Self> {
        self.map().iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The same, key by key.
    pub(in crate::doctor) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    fn map(&self) -> &[Entry] {
        if let Content::Map(entries) = &self.content { entries } else { &[] }
    }

    /// A map's keys and values.
    pub(in crate::doctor) fn entries(&self) -> impl Iterator<Item = (&str, &Self)> {
        self.map().iter().map(|Entry { key, value }| (key.as_str(), value))
    }

    /// Whether it is a map.
    pub(in crate::doctor) fn is_map(&self) -> bool {
        matches!(self.content, Content::Map(_))
    }

    /// A list's items.
    pub(in crate::doctor) fn items(&self) -> &[Self] {
        if let Content::List(items) = &self.content { items } else { &[] }
    }

    /// A text as it was written, without quotes.
    pub(in crate::doctor) fn written(&self) -> Option<&str> {
        match &self.content {
            Content::Plain(text) | Content::Quoted(text) => Some(text),
            Content::List(_) | Content::Map(_) => None,
        }
    }

    /// A text with its variables replaced by their defaults.
    pub(in crate::doctor) fn text(&self) -> Option<String> {
        self.written().map(with_defaults)
    }

    /// Whether it was written as a text: in quotes.
    pub(in crate::doctor) fn is_quoted(&self) -> bool {
        matches!(self.content, Content::Quoted(_))
    }

    fn null(line: usize) -> Self {
        Self { line, content: Content::Plain("".into()) }
    }
}

/// Understands a file's first document.
///
/// # Errors
/// Where it is not YAML, or has a key twice, as Docker refuses it, too.
pub(super) fn parse(text: &str) -> Result<Node, Unreadable> {
    let mut reader = Reader { parser: Parser::new_from_str(text), anchors: BTreeMap::new() };
    loop {
        match reader.event()? {
            (Event::StreamStart | Event::DocumentStart(_), _) => {}
            (Event::StreamEnd, _) => return Ok(Node::null(1)),
            (event, span) => return reader.node(event, span, 0),
        }
    }
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    anchors: BTreeMap<usize, Node>,
}

impl From<ScanError> for Unreadable {
    fn from(error: ScanError) -> Self {
        wrong(error.marker().line(), error.info())
    }
}

fn wrong(line: usize, why: impl Into<String>) -> Unreadable {
    Unreadable { line: Some(line), why: why.into() }
}

impl<'a> Reader<'a> {
    fn event(&mut self) -> Result<(Event<'a>, Span), Unreadable> {
        // Nothing comes after the end of the stream, where reading ends.
        let end = Ok((Event::StreamEnd, Span::default()));
        Ok(self.parser.next_event().unwrap_or(end)?)
    }

    /// The node that begins with `event`.
    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Unreadable> {
        let line = span.start.line();
        if depth > DEPTH_MAX {
            return Err(wrong(line, format!("more than {DEPTH_MAX} levels of nesting")));
        }
        let (anchor, tag, content) = match event {
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                return node.ok_or_else(|| wrong(line, "an alias to what it is in"));
            }
            Event::Scalar(text, style, anchor, tag) => {
                let text = text.as_ref().into();
                let is_plain = style == ScalarStyle::Plain;
                (anchor, tag, if is_plain { Content::Plain(text) } else { Content::Quoted(text) })
            }
            Event::SequenceStart(anchor, tag) => (anchor, tag, Content::List(self.items(depth)?.into())),
            Event::MappingStart(anchor, tag) => (anchor, tag, Content::Map(self.entries(depth)?.into())),
            _ => return Ok(Node::null(line)),
        };
        // Compose's `!reset` takes away what another file says: there is nothing to look at.
        let is_reset = tag.is_some_and(|tag| tag.handle == "!" && tag.suffix == "reset");
        let node = if is_reset { Node::null(line) } else { Node { line, content } };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn items(&mut self, depth: usize) -> Result<Vec<Node>, Unreadable> {
        let mut items = Vec::new();
        loop {
            match self.event()? {
                (Event::SequenceEnd, _) => return Ok(items),
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn entries(&mut self, depth: usize) -> Result<Vec<Entry>, Unreadable> {
        let (mut entries, mut merged): (Vec<Entry>, _) = (Vec::new(), Vec::new());
        loop {
            let (event, span) = self.event()?;
            if event == Event::MappingEnd {
                break;
            }
            let line = span.start.line();
            let key = self.node(event, span, depth + 1)?;
            let key = key.written().ok_or_else(|| wrong(line, "a key is a text"))?.to_owned();
            let (event, span) = self.event()?;
            let value = self.node(event, span, depth + 1)?;
            if key == "<<" {
                merged.push(value);
            } else if entries.iter().any(|entry| entry.key == key) {
                return Err(wrong(line, format!("{key} is there twice")));
            } else {
                entries.push(Entry { key, value: Node { line, ..value } });
            }
        }
        // What a map says itself goes before what it takes over; of that, what comes first.
        for node in merged.iter().flat_map(|node| if node.is_map() { std::slice::from_ref(node) } else { node.items() })
        {
            for entry in node.map() {
                if !entries.iter().any(|own| own.key == entry.key) {
                    entries.push(entry.clone());
                }
            }
        }
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_know_their_lines_and_texts_as_they_were_written() {
        let root = parse("# first\nservices:\n  redis:\n    mode: 0400\n    name: \"${A:-b}\"\n").unwrap();
        let redis = root.at(&["services", "redis"]).unwrap();
        let mode = redis.get("mode").unwrap();
        assert_eq!((mode.line, mode.written(), mode.is_quoted()), (4, Some("0400"), false));
        let name = redis.get("name").unwrap();
        assert_eq!((name.written(), name.text().as_deref(), name.is_quoted()), (Some("${A:-b}"), Some("b"), true));
        assert_eq!(root.entries().map(|(key, node)| (key, node.line)).collect::<Vec<_>>(), [("services", 2)]);
    }

    #[test]
    fn what_a_map_says_itself_goes_before_what_it_takes_over() {
        let root =
            parse("a: &a { x: 1, y: 2 }\nb: &b { y: 3, z: 4 }\nc:\n  <<: [*a, *b]\n  x: 5\nd:\n  <<: *b\n").unwrap();
        let values = |path: &[&str]| root.at(path).and_then(Node::text);
        assert_eq!(["x", "y", "z"].map(|key| values(&["c", key]).unwrap()), ["5", "2", "4"]);
        assert_eq!(values(&["d", "y"]).as_deref(), Some("3"));
    }

    #[test]
    fn what_is_reset_is_not_there() {
        let root = parse("ports: !reset [1]\nother: !override [2]\n").unwrap();
        assert_eq!(["ports", "other"].map(|key| root.get(key).unwrap().items().len()), [0, 1]);
    }

    #[test]
    fn what_docker_refuses_is_told_with_its_line() {
        for (text, line, why) in [
            ("a: 1\nb: 2\na: 3\n", 3, "a is there twice"),
            ("a: [1\nb: 2\n", 2, ""),
            ("a: &a [*a]\n", 1, "an alias to what it is in"),
            (&"[".repeat(DEPTH_MAX + 2), 1, "more than 50 levels of nesting"),
            ("? [a]\n: b\n", 1, "a key is a text"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.line == Some(line) && error.why.contains(why), "{text}: {error:?}");
        }
        assert!(parse("").unwrap().entries().next().is_none());
    }

    #[test]
    fn a_small_file_does_not_become_a_large_tree() {
        let level = |level: usize| {
            let items = vec![format!("*a{}", level - 1); 10].join(", ");
            format!("a{level}: &a{level} [{items}]")
        };
        let text = ["a0: &a0 [x]".to_owned()].into_iter().chain((1..30).map(level)).collect::<Vec<_>>().join("\n");
        assert_eq!(parse(&text).unwrap().get("a29").unwrap().items().len(), 10);
    }
}
