//! Names: of configs and secrets, of images, and those that nginx looks up.

use std::fs;

use super::{Problem, each_service};
use crate::doctor::check::{Finding, Outcome};
use crate::doctor::facts::FileFacts;
use crate::doctor::stack::{Node, is_variable};

pub(super) fn of_data(facts: &FileFacts) -> Outcome {
    let root = &facts.stack.as_ref()?.root;
    let mut findings = Vec::new();
    for kind in ["configs", "secrets"] {
        for (key, node) in root.get(kind).into_iter().flat_map(Node::entries) {
            let has_variable = || node.get("name").and_then(Node::written).is_some_and(is_variable);
            if node.get("file").is_none() || has_variable() {
                continue;
            }
            let one = kind.trim_end_matches('s');
            let found = format!("the {one} {key} keeps its name when its file changes");
            let effect = "docker stack deploy then says: only updates to Labels are allowed";
            let mend = format!("name: \"${{{}_{}:-{key}}}\"", key.to_uppercase(), one.to_uppercase());
            findings.push(Finding::warning(found, effect, mend).at(node.line));
        }
    }
    Ok(findings)
}

pub(super) fn of_images(facts: &FileFacts) -> Outcome {
    let has_no_version = |image: &str| {
        let name = image.rsplit('/').next().unwrap_or_default();
        !image.contains('@') && name.rsplit_once(':').is_none_or(|(_, tag)| tag == "latest")
    };
    let effect = "each node pulls it when it happens to, so that nodes run different versions, and there is none to go \
                  back to";
    each_service(facts, effect, |service| {
        let node = service.node.get("image")?;
        // A variable has a version where it is deployed.
        let image = node.written().filter(|image| !is_variable(image) && has_no_version(image))?;
        Some(Problem::new(node.line, format!("{image} has no version"), "image: NAME:VERSION"))
    })
}

pub(super) fn of_nginx(facts: &FileFacts) -> Outcome {
    let stack = facts.stack.as_ref()?;
    let mut findings = Vec::new();
    for service in stack.services().filter(|service| service.image().is_some_and(|image| image == "nginx")) {
        for config in service.node.get("configs").map_or(&[][..], Node::items) {
            let Some(source) = config.get("source").and_then(Node::text).or_else(|| config.text()) else { continue };
            let Some(file) = stack.root.at(&["configs", &source, "file"]).and_then(Node::text) else { continue };
            let path = facts.beside(&file);
            let text = fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
            if let Some((line, name)) = looked_up_once(&text) {
                let found = format!("{}: {file}:{line} has nginx look {name} up once, when it starts", service.name);
                let effect = "nginx does not start while the name is missing (host not found in upstream), and does not \
                              see it move";
                let mend = format!(
                    "resolver 127.0.0.11 valid=1s; and set $to http://{name}; proxy_pass $to; or, in an upstream with \
                     a zone: server {name} resolve;"
                );
                findings.push(Finding::warning(found, effect, mend).at(config.line));
            }
        }
    }
    Ok(findings)
}

/// The first name in nginx's configuration that it looks up only once, and its line.
fn looked_up_once(text: &str) -> Option<(usize, String)> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    let words: Vec<(usize, Vec<&str>)> = (1..).zip(lines.map(|line| words(line).collect())).collect();
    let upstreams: Vec<&str> = words
        .iter()
        .flat_map(|(_, words)| words.windows(2))
        .filter(|two| two[0] == "upstream")
        .map(|two| two[1])
        .collect();
    words.iter().find_map(|(number, words)| {
        let asked = words.windows(2).find_map(|two| match two {
            ["proxy_pass", to] => Some(to.split_once("://")?.1),
            ["server", to] if *to != "{" && !words.contains(&"resolve") => Some(*to),
            _ => None,
        })?;
        let name = asked.split(['/', ':']).next()?;
        let is_name =
            name.starts_with(|sign: char| sign.is_ascii_alphabetic()) && name != "localhost" && name != "unix";
        (is_name && !asked.contains('$') && !upstreams.contains(&name)).then(|| (*number, asked.to_owned()))
    })
}

/// Words, and braces.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split_inclusive(['{', '}', ';'])
        .flat_map(|part| match part.strip_suffix('{') {
            Some(before) => [before, "{"],
            None => [part.trim_end_matches(['}', ';']), ""],
        })
        .flat_map(str::split_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nginx_looks_names_up_again_that_are_in_a_variable_or_to_be_resolved() {
        for text in [
            "server { listen 80; location / { set $to http://api:9000; proxy_pass $to; } }",
            "upstream api { zone api 64k; server api:9000 resolve; }\nserver { location / { proxy_pass http://api; } }",
            "location / { proxy_pass http://127.0.0.1:80; } # proxy_pass http://api",
            "location / { proxy_pass http://$name:80; }",
        ] {
            assert_eq!(looked_up_once(text), None, "{text}");
        }
        for (text, line, name) in [
            ("server {\n  location / { proxy_pass http://api:9000/; }\n}", 2, "api:9000/"),
            ("upstream all {\n  server api:9000 max_fails=3;\n}\nserver { proxy_pass http://all; }", 2, "api:9000"),
        ] {
            assert_eq!(looked_up_once(text), Some((line, name.to_owned())), "{text}");
        }
    }
}
