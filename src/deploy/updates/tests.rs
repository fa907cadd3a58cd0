use proptest::prelude::*;

use super::*;

/// `$NAME`, `${NAME}` and `$$`; strict about what is not set.
fn expanding(variables: &'static [(&'static str, &'static str)]) -> impl Fn(&str) -> Result<String, SubstError> {
    move |text| {
        let (mut out, mut rest) = (String::new(), text);
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            let length = syntax::reference(&rest[at..]).expect("closed");
            let name = rest[at + 1..at + length].trim_matches(['{', '}']);
            match variables.iter().find(|(known, _)| *known == name) {
                Some((_, value)) => out.push_str(value),
                None if name == "$" => out.push('$'),
                None => return Err(SubstError { message: format!("{name} is not set"), hint: None }),
            }
            rest = &rest[at + length..];
        }
        Ok(out + rest)
    }
}

const VARIABLES: &[(&str, &str)] = &[
    ("EMPTY", ""),
    ("TAG", "abc123"),
    ("APP", "web"),
    ("TRICKY", "x,container=nginx,name=MSG,value=pwned"),
    ("EQUALS", "a=b=c"),
    ("IMAGES", "container=web,tag=v2"),
    ("PADDED", " v3\n"),
];

fn parse(texts: Texts<'_>) -> Result<Updates, UpdateError> {
    Updates::parse(texts, &expanding(VARIABLES))
}

fn images(text: &str) -> Result<Vec<(String, ImageChange)>, UpdateError> {
    let updates = parse(Texts { images: text, ..Texts::default() })?;
    Ok(updates.images.into_iter().map(|update| (update.container, update.change)).collect())
}

fn triples(assignments: Vec<Assignment>) -> Vec<(String, String, String)> {
    assignments.into_iter().map(|a| (a.container, a.name, a.value)).collect()
}

fn env(text: &str) -> Result<Vec<(String, String, String)>, UpdateError> {
    parse(Texts { env: text, ..Texts::default() }).map(|updates| triples(updates.env))
}

fn secrets(text: &str) -> Result<Vec<(String, String, String)>, UpdateError> {
    parse(Texts { secrets: text, ..Texts::default() }).map(|updates| triples(updates.secrets))
}

fn labels(text: &str) -> Result<Vec<(String, String, String)>, UpdateError> {
    parse(Texts { labels: text, ..Texts::default() }).map(|updates| triples(updates.labels))
}

fn triple(container: &str, name: &str, value: &str) -> (String, String, String) {
    (container.into(), name.into(), value.into())
}

fn refused<T: fmt::Debug>(result: Result<T, UpdateError>, why: &str) -> UpdateError {
    let error = result.expect_err("should be refused");
    assert!(error.to_string().contains(why), "{error}");
    assert!(!error.hint.is_empty());
    error
}

#[test]
fn nothing_given_is_no_update() {
    assert!(parse(Texts { images: " ", env: "\n", secrets: ",", labels: "${EMPTY}" }).unwrap().is_empty());
}

#[test]
fn images_three_forms_and_a_trailing_comma() {
    let given = "container=a, image-and-tag = nginx:1 ,\n container=b,image=host:5000/x,container=c,tag=$TAG,";
    assert_eq!(
        images(given).unwrap(),
        [
            ("a".into(), ImageChange::Whole("nginx:1".into())),
            ("b".into(), ImageChange::Repository("host:5000/x".into())),
            ("c".into(), ImageChange::Tag("abc123".into())),
        ]
    );
}

#[test]
fn images_pinned_by_digest() {
    let reference = format!("host.example/app:v1@{}", crate::image::Digest::of(b"x"));
    let given = format!("container=web,image-and-tag={reference}");
    assert_eq!(images(&given).unwrap(), [("web".into(), ImageChange::Whole(reference))]);
}

#[test]
fn images_image_and_tag_in_one_group_combine() {
    let combined = [("web".into(), ImageChange::Whole("host/app:v2".into()))];
    assert_eq!(images("container=web,image=host/app,tag=v2").unwrap(), combined);
    assert_eq!(images("container=web,tag=v2,image=host/app").unwrap(), combined);
}

#[test]
fn images_second_specifier_in_a_group_is_refused() {
    refused(images("container=web,tag=v1,tag=v2"), "'tag=' is given twice");
    refused(images("container=web,image-and-tag=a:1,tag=v2"), "beside");
}

#[test]
fn images_without_container_are_refused() {
    refused(images("image-and-tag=nginx:1"), "before the first container=");
    refused(images("nginx:1"), "no '='");
    refused(images("container=web"), "nothing is said about container=web");
    refused(images("container=web,container=b,tag=1"), "nothing is said about container=web");
}

#[test]
fn images_that_empty_variables_spoil_name_the_variables() {
    let error = refused(images("container=web,image-and-tag=${EMPTY}/nginx:$EMPTY"), "'/nginx:'");
    assert!(error.why.ends_with("${EMPTY} and $EMPTY are empty"), "{error}");
    refused(images("container=web,image-and-tag=nginx:${EMPTY}"), "'nginx:'");
    refused(images("container=web,tag=${EMPTY}"), "${EMPTY} is empty");
    refused(images("container=${EMPTY},tag=v1"), "the name of the container is empty: ${EMPTY} is empty");
    refused(images("container=web,image-and-tag=a=b"), "'a=b' is not an image reference");
}

#[test]
fn images_repository_with_a_tag_is_refused() {
    refused(images("container=web,image=nginx:v2"), "without tag or digest");
}

#[test]
fn images_digest_as_tag_is_refused() {
    refused(images("container=web,tag=v1@sha256:12"), "is not a tag");
}

#[test]
fn unset_variable_is_refused_with_its_place() {
    let error = refused(images("container=web,tag=${NOPE}"), "NOPE is not set");
    assert_eq!((error.parameter, error.place), ("container-image-name-updates", Place::Character(15)));
}

#[test]
fn variable_content_is_never_syntax() {
    assert_eq!(
        env("container=web,name=BRANCH,value=${TRICKY}").unwrap(),
        [triple("web", "BRANCH", "x,container=nginx,name=MSG,value=pwned")]
    );
    assert_eq!(env("container=web,name=A,value=$EQUALS").unwrap(), [triple("web", "A", "a=b=c")]);
    refused(images("container=web,tag=${TRICKY}"), "is not a tag");
}

#[test]
fn one_variable_may_hold_the_whole_text() {
    assert_eq!(images("${IMAGES}").unwrap(), [("web".into(), ImageChange::Tag("v2".into()))]);
    assert!(refused(images("container=a,tag=1,${IMAGES}"), "no '='").hint.contains("not a part"));
}

#[test]
fn braces_are_one_unit() {
    let seen = std::cell::RefCell::new(Vec::new());
    let record = |text: &str| {
        seen.borrow_mut().push(text.to_owned());
        Ok(text.to_owned())
    };
    let text = "container=web,name=A,value=${V:-a,b=${W}},name=B,value=$${x";
    let refusal = Updates::parse(Texts { env: text, ..Texts::default() }, &record);
    assert!(refusal.is_ok(), "{refusal:?}");
    assert!(seen.borrow().contains(&"${V:-a,b=${W}}".to_owned()), "{seen:?}");
    refused(env("container=web,name=A,value=${V"), "'${' is not closed");
}

#[test]
fn blanks_around_an_expanded_value_are_dropped() {
    assert_eq!(images("container=web,tag=${PADDED}").unwrap(), [("web".into(), ImageChange::Tag("v3".into()))]);
}

#[test]
fn env_value_keeps_equals_quotes_blanks_and_may_be_empty() {
    let given = "container=web,name=URL,value=http://x?a=b&c=d,name=Q,value='it''s  \"two\"\nlines',name=E,value=";
    assert_eq!(
        env(given).unwrap(),
        [
            triple("web", "URL", "http://x?a=b&c=d"),
            triple("web", "Q", "'it''s  \"two\"\nlines'"),
            triple("web", "E", "")
        ]
    );
}

#[test]
fn env_pairs_after_one_container_belong_to_it() {
    assert_eq!(
        env("container=a,name=A,value=1,name=B,value=2,container=$APP,name=C,value=3").unwrap(),
        [triple("a", "A", "1"), triple("a", "B", "2"), triple("web", "C", "3")]
    );
}

#[test]
fn env_comma_in_a_value_is_refused_or_escaped() {
    let error = refused(env("container=web,name=COLOURS,value=red,green"), "after container=web, name=COLOURS");
    assert!(error.hint.contains(r#""value=red,green""#), "{}", error.hint);
    assert_eq!(error.place, Place::Character(38));
    assert!(!error.to_string().contains("green"));
    refused(env("container=web,name=C,value=red,value=green"), "no 'name=' before it");
    assert_eq!(
        env(r"container=web,name=COLOURS,value=red\,green\,blue,name=B,value=c:\x").unwrap(),
        [triple("web", "COLOURS", "red,green,blue"), triple("web", "B", r"c:\x")]
    );
}

#[test]
fn piece_in_quotes_keeps_commas_blanks_and_doubled_quotes() {
    let given = r#"container=web, "name=COLOURS" ,"value= red,""green"",container=x=$TAG " ,name=B,value="1""#;
    assert_eq!(
        env(given).unwrap(),
        [triple("web", "COLOURS", r#" red,"green",container=x=abc123 "#), triple("web", "B", "\"1\"")]
    );
    assert_eq!(labels(r#"container=web,"team=a,b",x="y""#).unwrap()[0], triple("web", "team", "a,b"));
    refused(env(r#"container=web,name=A,"value=a,b"#), "does not end with one");
    refused(env(r#"container=web,name=A,"value=a"b,name=B,value=1"#), "does not end with one");
    refused(env(r#"container=web,name=A,value="a,b""#), "no '='");
}

#[test]
fn env_value_that_ends_in_a_backslash_is_not_guessed_at() {
    refused(env(r"container=web,name=A,value=C:\,name=B,value=1"), "may be an escaped comma");
    refused(env(r"container=web,name=A,value=C:\,"), "may be an escaped comma");
}

#[test]
fn env_rest_of_a_secret_value_is_not_shown() {
    let error = refused(env("container=web,name=PASSWORD,value=hun,ter2=x"), "unknown key");
    assert!(!error.to_string().contains("ter2") && !error.hint.contains("ter2"));
}

#[test]
fn env_malformed_pairs_are_refused() {
    refused(env("container=web,value=1,name=A"), "no 'name=' before it");
    refused(env("container=web,name=A"), "not followed by 'value='");
    refused(env("container=web,name=A,name=B,value=1"), "not followed by 'value='");
    refused(env("container=web,name=,value=1"), "a name is empty");
    refused(env("container=web,name=A=B,value=1"), "has '=' in it");
    refused(env("name=A,value=1"), "before the first container=");
    refused(env("container=web,name=A,vlaue=1"), "did you mean 'value'?");
    refused(env("container=web,nam=A,value=1"), "did you mean 'name'?");
}

#[test]
fn secrets_take_value_from() {
    let arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:db-AbCdEf:password::";
    assert_eq!(
        secrets(&format!("container=web,name=DB,valueFrom={arn},name=X,valueFrom=/a")).unwrap(),
        [triple("web", "DB", arn), triple("web", "X", "/a")]
    );
    let error = refused(secrets("container=web,name=DB,value=x"), "unknown key");
    assert!(error.why.contains("valueFrom"), "{error}");
    refused(secrets("container=web,name=DB,valueFrom=${EMPTY}"), "valueFrom is empty: ${EMPTY} is empty");
}

#[test]
fn name_given_as_variable_and_as_secret_is_refused() {
    let texts = Texts {
        env: "container=web,name=A,value=1",
        secrets: "container=web,name=A,valueFrom=arn",
        ..Texts::default()
    };
    refused(parse(texts), "as a variable as well");
}

#[test]
fn labels_of_one_group_all_apply() {
    assert_eq!(
        labels("container=web,version=$TAG,url=http://a?b=c,container=b,team=x").unwrap(),
        [triple("web", "version", "abc123"), triple("web", "url", "http://a?b=c"), triple("b", "team", "x")]
    );
}

#[test]
fn labels_key_value_form_is_understood() {
    assert_eq!(
        labels("container=web,key=team,value=blue,key=v,value=1,x=2").unwrap(),
        [triple("web", "team", "blue"), triple("web", "v", "1"), triple("web", "x", "2")]
    );
    assert_eq!(labels("container=web,key=x").unwrap(), [triple("web", "key", "x")]);
    refused(labels("container=web,name=a,value=b"), "one label or two");
}

#[test]
fn labels_without_container_or_equals_are_refused() {
    refused(labels("team=blue"), "before the first container=");
    refused(labels("container=web,team"), "no '='");
    refused(labels("container=web,=x"), "unknown key");
    assert_eq!(labels(r"container=web,rule=Host(a)\,Path=b").unwrap(), [triple("web", "rule", "Host(a),Path=b")]);
}

#[test]
fn json_form_keeps_everything() {
    assert_eq!(
        env(
            r#" [{"container": "$APP", "value": " a,b\n", "name": "A"}, {"container":"b","name":"B","value":"$${x}"}]"#
        )
        .unwrap(),
        [triple("web", "A", " a,b\n"), triple("b", "B", "${x}")]
    );
    assert_eq!(
        images(r#"[{"container":"web","image":"a/b","tag":"${TAG}"}]"#).unwrap(),
        [("web".into(), ImageChange::Whole("a/b:abc123".into()))]
    );
    assert_eq!(labels(r#"[{"container":"web","key":"a.b","value":"c,d"}]"#).unwrap(), [triple("web", "a.b", "c,d")]);
}

#[test]
fn json_form_malformed_is_refused_with_its_entry() {
    let error =
        refused(env(r#"[{"container":"a","name":"A","value":"1"},{"name":"B","value":"2"}]"#), "no 'container'");
    assert_eq!(error.place, Place::Entry(2));
    refused(env(r#"[{"container":"a","name":"A","value":1}]"#), "'value' is not a string");
    refused(env(r#"[{"container":"a","name":"A","valu":"1"}]"#), "unknown member 'valu'");
    refused(env(r#"[{"container":"a"]"#), "not valid JSON");
    refused(labels(r#"[{"container":"a","key":"x"}]"#), "no 'value'");
}

#[test]
fn debug_of_updates_shows_no_value() {
    let updates = parse(Texts { env: "container=web,name=A,value=hunter2", ..Texts::default() }).unwrap();
    assert!(!format!("{updates:?}").contains("hunter2"));
}

proptest! {
    #[test]
    fn value_without_syntax_passes_through(value in r"[^,$\\]*") {
        let text = format!("container=web,name=A,value={value}");
        prop_assert_eq!(env(&text).unwrap(), [triple("web", "A", value.trim())]);
    }

    #[test]
    fn any_value_passes_through_a_variable(value in "\\PC*") {
        let texts = Texts { env: "container=web,name=A,value=${V}", ..Texts::default() };
        let updates = Updates::parse(texts, &|text| {
            Ok(if text == "${V}" { value.clone() } else { text.to_owned() })
        }).unwrap();
        prop_assert_eq!(triples(updates.env), [triple("web", "A", value.trim())]);
    }

    #[test]
    fn any_value_passes_through_json(value in any::<String>()) {
        let text = serde_json::json!([{"container": "web", "name": "A", "value": value}]).to_string();
        let updates = Updates::parse(Texts { env: &text, ..Texts::default() }, &|text| Ok(text.to_owned())).unwrap();
        prop_assert_eq!(triples(updates.env), [triple("web", "A", &value)]);
    }

    #[test]
    fn any_value_passes_through_quotes(value in r"[^$]*") {
        let text = format!("container=web,name=A,\"value={}\"", value.replace('"', "\"\""));
        prop_assert_eq!(env(&text).unwrap(), [triple("web", "A", &value)]);
    }

    #[test]
    fn no_text_panics(text in "(container=|name=|value=|tag=|,|=|\"|\\$|\\{|\\}|\\\\|[a-z]|é| |\\[)*") {
        let identity = |text: &str| Ok(text.to_owned());
        let _ = Updates::parse(Texts { images: &text, ..Texts::default() }, &identity);
        let _ = Updates::parse(Texts { env: &text, ..Texts::default() }, &identity);
        let _ = Updates::parse(Texts { labels: &text, ..Texts::default() }, &identity);
    }
}
