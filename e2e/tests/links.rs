//! Every link between our pages leads somewhere.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use e2e::images;
use pulldown_cmark::{Event, Parser, Tag, TagEnd};

#[test]
fn every_link_of_a_page_leads_to_a_file_and_to_a_heading_of_it() -> Result<()> {
    let pages = pages()?;
    ensure!(pages.len() > 5, "only {pages:?}");
    let mut wrong = Vec::new();
    let mut anchors = BTreeMap::new();
    for page in &pages {
        for link in links(&fs::read_to_string(page)?) {
            if link.contains("://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let folder = page.parent().context("a page is in a folder")?;
            let target = if file.is_empty() { page.clone() } else { folder.join(file) };
            let Ok(target) = target.canonicalize() else {
                wrong.push(format!("{}: there is no {link}", page.display()));
                continue;
            };
            if anchor.is_empty() {
                continue;
            }
            if !anchors.contains_key(&target) {
                anchors.insert(target.clone(), headings(&target)?);
            }
            if !anchors[&target].contains(anchor) {
                wrong.push(format!("{}: no heading is {link}", page.display()));
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// All pages: at the top, and in `docs`.
fn pages() -> Result<Vec<PathBuf>> {
    let mut pages = Vec::new();
    for folder in [images::root(), images::root().join("docs")] {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path.canonicalize()?);
            }
        }
    }
    Ok(pages)
}

fn links(markdown: &str) -> Vec<String> {
    let link = |event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url.into_string()),
        _ => None,
    };
    Parser::new(markdown).filter_map(link).collect()
}

/// The anchors of a page's headings, as GitHub makes them.
fn headings(page: &Path) -> Result<BTreeSet<String>> {
    let markdown = fs::read_to_string(page)?;
    let (mut found, mut heading) = (BTreeSet::new(), None::<String>);
    for event in Parser::new(&markdown) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::Text(text) | Event::Code(text) => heading.iter_mut().for_each(|heading| heading.push_str(&text)),
            Event::End(TagEnd::Heading(_)) => found.extend(heading.take().map(|heading| anchor(&heading))),
            _ => {}
        }
    }
    Ok(found)
}

/// Small letters, digits, `-` and `_`; a space is a `-`, and what is left is left out.
fn anchor(heading: &str) -> String {
    let kept = |sign: char| match sign {
        ' ' => Some('-'),
        '-' | '_' => Some(sign),
        _ => sign.is_alphanumeric().then_some(sign),
    };
    heading.to_lowercase().chars().filter_map(kept).collect()
}
