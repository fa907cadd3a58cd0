//! Answers of the Query protocol in XML: lists have `member`s, moments are written out.

use jiff::Timestamp;
use serde_json::Value;

use super::VERSION;
use crate::sandbox::Refusal;

pub fn document(action: &str, answer: &Value, request: &str) -> String {
    let result = content("", answer);
    format!(
        r#"<{action}Response xmlns="{}"><{action}Result>{result}</{action}Result><ResponseMetadata><RequestId>{request}</RequestId></ResponseMetadata></{action}Response>"#,
        namespace()
    )
}

pub fn error(refusal: &Refusal, request: &str) -> String {
    let fault = if refusal.status < 500 { "Sender" } else { "Receiver" };
    let body = [("Type", fault), ("Code", &refusal.code), ("Message", &refusal.message)];
    let body: String = body.iter().map(|(name, text)| format!("<{name}>{}</{name}>", escape(text))).collect();
    let namespace = namespace();
    format!(
        r#"<ErrorResponse xmlns="{namespace}"><Error>{body}</Error><RequestId>{request}</RequestId></ErrorResponse>"#
    )
}

fn namespace() -> String {
    format!("http://elasticloadbalancing.amazonaws.com/doc/{VERSION}/")
}

fn content(name: &str, value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| format!("<{name}>{}</{name}>", content(name, value))).collect()
        }
        Value::Array(items) => items.iter().map(|item| format!("<member>{}</member>", content(name, item))).collect(),
        Value::Number(seconds) if name.ends_with("Time") => {
            let moment = Timestamp::from_second(seconds.as_i64().unwrap_or_default());
            moment.unwrap_or(Timestamp::UNIX_EPOCH).to_string()
        }
        Value::String(text) => escape(text),
        other => other.to_string(),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
