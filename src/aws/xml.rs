//! The answers of services that still speak Query, as the documents that everybody else sends: one shape to read.

use roxmltree::{Document, Node};
use serde_json::{Map, Value};

/// The content of the root element; the reason if it is no XML.
pub(super) fn read(bytes: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(bytes).map_err(|why| why.to_string())?;
    let document = Document::parse(text).map_err(|why| why.to_string())?;
    Ok(value(document.root_element()))
}

/// AWS's lists are elements named `member`; an empty list cannot be told from an empty text, and both are text.
fn value(node: Node<'_, '_>) -> Value {
    let children: Vec<Node<'_, '_>> = node.children().filter(Node::is_element).collect();
    let name = |node: &Node<'_, '_>| node.tag_name().name().to_owned();
    match children.first() {
        None => node.text().unwrap_or_default().into(),
        Some(first) if name(first) == "member" => children.into_iter().map(value).collect(),
        Some(_) => Value::Object(children.into_iter().map(|child| (name(&child), value(child))).collect::<Map<_, _>>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn answer_becomes_a_document() {
        let xml = br#"<R xmlns="http://x/"><L><member><Id>10.0.0.1</Id><Port>80</Port></member><member><Id>a&amp;b</Id></member></L><E/></R>"#;
        let wanted = json!({ "L": [{ "Id": "10.0.0.1", "Port": "80" }, { "Id": "a&b" }], "E": "" });
        assert_eq!(read(xml).unwrap(), wanted);
    }

    #[test]
    fn answer_that_is_no_xml_is_refused() {
        assert!(read(b"<html><br></html>").is_err());
        assert!(read(b"\xff").is_err());
    }
}
