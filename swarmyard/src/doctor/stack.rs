//! A Compose or stack file, as it is written.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

mod text;
mod yaml;

pub(super) use text::{bytes, is_variable};
pub(super) use yaml::Node;

/// Most that is read of a file, in bytes; none of these is longer.
const SIZE_MAX: u64 = 1 << 20;

/// Why there is nothing to look at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Unreadable {
    pub(super) line: Option<usize>,
    pub(super) why: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.why.fmt(to)
    }
}

impl From<&Unreadable> for String {
    fn from(unreadable: &Unreadable) -> Self {
        unreadable.why.clone()
    }
}

/// The file's contents: anchors are resolved, and variables have their defaults where a text is asked for.
#[derive(Debug)]
pub(super) struct Stack {
    pub(super) root: Node,
}

/// A service, as far as this file describes it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Service<'a> {
    pub(super) name: &'a str,
    pub(super) node: &'a Node,
}

impl Stack {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, or is not what Docker takes for YAML.
    pub(super) fn read(path: &Path) -> Result<Self, Unreadable> {
        let unreadable = |error: std::io::Error| Unreadable { line: None, why: error.to_string() };
        let mut text = String::new();
        let file = File::open(path).map_err(unreadable)?;
        file.take(SIZE_MAX).read_to_string(&mut text).map_err(unreadable)?;
        Self::parse(&text)
    }

    /// Understands a file's text.
    ///
    /// # Errors
    /// When it is not what Docker takes for YAML.
    pub(super) fn parse(text: &str) -> Result<Self, Unreadable> {
        Ok(Self { root: yaml::parse(text)? })
    }

    /// All services.
    pub(super) fn services(&self) -> impl Iterator<Item = Service<'_>> {
        let services = self.root.get("services").into_iter().flat_map(Node::entries);
        services.map(|(name, node)| Service { name, node })
    }
}

impl<'a> Service<'a> {
    /// Whether the file describes all of it, rather than what is to be added to another file's.
    pub(super) fn is_whole(self) -> bool {
        self.node.get("image").or_else(|| self.node.get("build")).is_some()
    }

    /// The image's name, without registry, tag and digest.
    pub(super) fn image(self) -> Option<String> {
        let image = self.node.get("image")?.text()?;
        let name = image.rsplit('/').next()?.split([':', '@']).next()?;
        Some(name.to_owned())
    }

    /// Where it names this key, or else itself.
    pub(super) fn line_of(self, path: &[&str]) -> usize {
        self.node.at(path).unwrap_or(self.node).line
    }

    /// A text in it, with its variables replaced by their defaults.
    pub(super) fn text(self, path: &[&str]) -> Option<String> {
        self.node.at(path)?.text()
    }

    /// A variable of its environment, which is a map or a list of `NAME=VALUE`.
    pub(super) fn variable(self, name: &str) -> Option<String> {
        let environment = self.node.get("environment")?;
        let listed = || {
            let mut lines = environment.items().iter().filter_map(Node::text);
            lines.find_map(|line| Some(line.strip_prefix(name)?.strip_prefix('=')?.to_owned()))
        };
        environment.get(name).and_then(Node::text).or_else(listed)
    }

    /// The volumes it keeps something in: neither folders of the machine nor memory.
    pub(super) fn volumes(self) -> impl Iterator<Item = String> + use<'a> {
        let volumes = self.node.get("volumes").map_or(&[][..], Node::items);
        volumes.iter().filter_map(|volume| {
            // As in NAME:/PATH; a folder begins with a dot, a slash or ~.
            if let Some(short) = volume.text() {
                let source = short.split_once(':')?.0.to_owned();
                return source.starts_with(|sign: char| sign.is_ascii_alphanumeric()).then_some(source);
            }
            let is_volume = volume.get("type")?.text()? == "volume";
            is_volume.then(|| volume.get("source")?.text()).flatten()
        })
    }

    /// Whether a task runs on every node.
    pub(super) fn is_global(self) -> bool {
        self.text(&["deploy", "mode"]).is_some_and(|mode| mode.starts_with("global"))
    }

    /// How many tasks it has, if not one on every node.
    pub(super) fn replicas(self) -> u64 {
        self.text(&["deploy", "replicas"]).and_then(|text| text.parse().ok()).unwrap_or(1)
    }

    /// Whether its ports are those of its node, so that one task at a time has them.
    pub(super) fn has_host_port(self) -> bool {
        let ports = self.node.get("ports").map_or(&[][..], Node::items);
        ports.iter().any(|port| port.get("mode").and_then(Node::text).is_some_and(|mode| mode == "host"))
    }

    /// What it demands of nodes, such as `node.labels.redis == primary`.
    pub(super) fn constraints(self) -> impl Iterator<Item = (usize, String)> + use<'a> {
        let constraints = self.node.at(&["deploy", "placement", "constraints"]).map_or(&[][..], Node::items);
        constraints.iter().filter_map(|node| Some((node.line, node.text()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(yaml: &str) -> Stack {
        let lines = yaml.replace('\n', "\n    ");
        Stack::parse(&format!("services:\n  one:\n    {lines}\n")).unwrap()
    }

    #[test]
    fn an_images_name_is_that_without_registry_tag_and_digest() {
        for image in
            ["redis", "redis:8-alpine", "pi1:5001/redis:8", "\"${REGISTRY:-}redis:${TAG:-latest}\"", "a/redis@sha256:0"]
        {
            let stack = service(&format!("image: {image}"));
            assert_eq!(stack.services().next().unwrap().image().as_deref(), Some("redis"), "{image}");
        }
    }

    #[test]
    fn a_volume_is_neither_a_folder_nor_memory() {
        let yaml = "volumes:\n  - data:/data\n  - ./here:/there\n  - /var/run/docker.sock:/var/run/docker.sock\n  \
                    - { type: volume, source: more, target: /more }\n  - { type: tmpfs, target: /tmp }\n  - /alone";
        let stack = service(yaml);
        assert_eq!(stack.services().next().unwrap().volumes().collect::<Vec<_>>(), ["data", "more"]);
    }

    #[test]
    fn an_environment_is_a_map_or_a_list() {
        for yaml in ["environment:\n  DRAIN_DELAY: 3s", "environment:\n  - DRAIN_DELAY=3s"] {
            let stack = service(yaml);
            let service = stack.services().next().unwrap();
            assert_eq!(service.variable("DRAIN_DELAY").as_deref(), Some("3s"));
            assert_eq!(service.variable("DRAIN"), None);
        }
    }
}
