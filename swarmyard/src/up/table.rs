//! What runs, and where.

use super::instance::{Instance, Site};

/// A line for each instance with its address, or what it has instead, under a heading.
pub(crate) fn table(site: &Site, instances: impl IntoIterator<Item = (Instance, String)>) -> String {
    let mut rows = vec![["NAME".to_owned(), "ADDRESS".to_owned(), "WHAT IT DOES".to_owned()]];
    let row = |(instance, address): (Instance, _)| [instance.to_string(), address, instance.description(site)];
    rows.extend(instances.into_iter().map(row));
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or_default();
    let (names, addresses) = (width(0), width(1));
    let line = |[name, address, what]: &[String; 3]| format!("{name:names$}  {address:addresses$}  {what}\n");
    rows.iter().map(line).collect::<Vec<_>>().concat()
}

/// The one address to open: the page of the demo that has the most to see.
pub(crate) fn address_to_open(site: &Site, instances: &[Instance]) -> Option<String> {
    let pages = [Instance::Webui, Instance::Node(1), Instance::Producer];
    let page = pages.into_iter().find(|page| instances.contains(page))?;
    Some(site.shown_url(page.port()))
}
