//! Reading of CloudFront's and S3's XML, without a schema: elements are found by name, and what is not asked for is ignored.

/// Names of elements without their namespace.
pub(crate) trait LocalName {
    /// Whether the element has this local name.
    fn has_tag_name_of(&self, name: &str) -> bool;
}

impl LocalName for roxmltree::Node<'_, '_> {
    fn has_tag_name_of(&self, name: &str) -> bool {
        self.is_element() && self.tag_name().name() == name
    }
}

/// The text of the first element of this name.
pub(crate) fn first_of(text: &str, name: &str) -> Option<String> {
    let document = roxmltree::Document::parse(text).ok()?;
    let node = document
        .descendants()
        .find(|node| node.has_tag_name_of(name))?;
    Some(node.text().unwrap_or_default().to_owned())
}

/// The content of an element, as it is in the text.
pub(crate) fn inner_of(text: &str, name: &str) -> Option<String> {
    let document = roxmltree::Document::parse(text).ok()?;
    let node = document
        .descendants()
        .find(|node| node.has_tag_name_of(name))?;
    let start = node.first_child()?.range().start;
    let end = node.last_child()?.range().end;
    text.get(start..end).map(str::to_owned)
}

/// All texts of elements of this name.
pub(crate) fn texts_of(text: &str, name: &str) -> Vec<String> {
    let Ok(document) = roxmltree::Document::parse(text) else {
        return Vec::new();
    };
    let nodes = document.descendants();
    nodes
        .filter(|node| node.has_tag_name_of(name))
        .map(|node| node.text().unwrap_or_default().trim().to_owned())
        .collect()
}

/// Whether the text is XML whose root element has this name.
pub(crate) fn is_document(text: &str, name: &str) -> bool {
    roxmltree::Document::parse(text)
        .is_ok_and(|document| document.root_element().has_tag_name_of(name))
}
