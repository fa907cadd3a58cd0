use proptest::prelude::*;

use super::super::{Origin, SubstError, UpdateError};
use super::*;

/// `$NAME` and `${NAME}` of two variables; any other is unset.
fn expand(text: &str) -> Result<String, SubstError> {
    let text = text.replace("${TRICKY}", "x,container=a:b=c").replace("$TAG", "v9").replace("${EMPTY}", "");
    if text.contains("$NONE") { Err(SubstError { message: "NONE is not set".into(), hint: None }) } else { Ok(text) }
}

fn read(flags: Flags) -> Result<Updates, UpdateError> {
    Updates::default().with(&flags, &expand)
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn env(given: &[&str]) -> Result<Vec<(String, String, String)>, UpdateError> {
    let updates = read(Flags { env: texts(given), ..Flags::default() })?;
    Ok(updates.env.into_iter().map(|a| (a.container, a.name, a.value)).collect())
}

fn triple(container: &str, name: &str, value: &str) -> (String, String, String) {
    (container.into(), name.into(), value.into())
}

fn refused<T>(result: Result<T, UpdateError>, said: &str) {
    let error = result.err().expect("should be refused");
    assert!(error.to_string().starts_with(said), "{error}");
    assert!(["Write ", "Give ", "A tag has "].iter().any(|cure| error.hint.starts_with(cure)), "{}", error.hint);
}

#[test]
fn env_by_flag_holds_anything_behind_the_first_equals_sign() {
    assert_eq!(
        env(&["web:A=red,green=\"b\" ", "B=http://x:80/?a=b", "web:Log:Level=", "C=${TRICKY}"]).unwrap(),
        [
            triple("web", "A", "red,green=\"b\" "),
            triple("", "B", "http://x:80/?a=b"),
            triple("web", "Log:Level", ""),
            triple("", "C", "x,container=a:b=c")
        ]
    );
}

#[test]
fn env_by_flag_malformed_is_refused_with_its_occurrence() {
    refused(env(&["A=1", "geheim"]), "--env, occurrence 2: there is no '='");
    refused(env(&[" "]), "--env, occurrence 1: it is empty, which is what a shell makes of a variable");
    refused(env(&["=1"]), "--env, occurrence 1: the name is empty");
    refused(env(&[":A=1"]), "--env, occurrence 1: the name of the container is empty");
    refused(env(&["A=$NONE"]), "--env, occurrence 1: NONE is not set");
    refused(env(&["${EMPTY}:A=1"]), "--env, occurrence 1: the name of the container is empty: ${EMPTY} is empty");
    assert!(!env(&["geheim"]).unwrap_err().to_string().contains("geheim"));
}

#[test]
fn image_by_flag_is_whole_or_a_tag() {
    let images = |given: &[&str]| {
        let updates = read(Flags { image: texts(given), ..Flags::default() })?;
        Ok(updates.images.into_iter().map(|update| (update.container, update.change)).collect::<Vec<_>>())
    };
    assert_eq!(
        images(&[
            "web=host:5000/a:$TAG",
            "b/c@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "web=:$TAG"
        ])
        .unwrap(),
        [
            ("web".into(), ImageChange::Whole("host:5000/a:v9".into())),
            (
                String::new(),
                ImageChange::Whole(
                    "b/c@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".into()
                )
            ),
            ("web".into(), ImageChange::Tag("v9".into()))
        ]
    );
    refused(images(&["web=/nginx:"]), "--image, occurrence 1: '/nginx:' is not an image reference");
    refused(images(&["web=:a/b"]), "--image, occurrence 1: 'a/b' is not a tag");
}

#[test]
fn removals_and_replacements_name_their_list() {
    let updates = read(Flags {
        remove_env: texts(&["web:A"]),
        remove_label: texts(&["b.c"]),
        replace_secrets: texts(&["web"]),
        ..Flags::default()
    })
    .unwrap();
    let origin = |parameter| Origin { parameter, place: Place::Occurrence(1) };
    let removal = |kind, container: &str, name: &str, parameter| Removal {
        kind,
        container: container.into(),
        name: name.into(),
        origin: origin(parameter),
    };
    assert_eq!(
        updates.removed,
        [removal(Kind::Env, "web", "A", "--remove-env"), removal(Kind::Labels, "", "b.c", "--remove-label")]
    );
    assert_eq!(updates.replaced[0].kind, Kind::Secrets);
}

#[test]
fn name_that_is_set_and_removed_is_refused() {
    let both = Flags { env: texts(&["web:A=1"]), remove_env: texts(&["web:A"]), ..Flags::default() };
    refused(read(both), "--remove-env, occurrence 1: A is to be set as well");
    let moved = Flags { secret: texts(&["web:A=arn"]), remove_env: texts(&["web:A"]), ..Flags::default() };
    assert!(read(moved).is_ok());
}

#[test]
fn command_is_a_json_array() {
    let words = |given: &str| {
        let updates = read(Flags { command: texts(&[given]), ..Flags::default() })?;
        Ok(updates.commands.into_iter().map(|command| (command.container, command.words)).next().unwrap())
    };
    let expected = |container: &str, given: &[&str]| (container.to_owned(), texts(given));
    assert_eq!(words(r#"web=["sh","-c","a=$TAG"]"#).unwrap(), expected("web", &["sh", "-c", "a=v9"]));
    assert_eq!(words(r#"["a=b",""]"#).unwrap(), expected("", &["a=b", ""]));
    assert_eq!(words("web=[]").unwrap(), expected("web", &[]));
    for wrong in ["web=sh -c x", "sh", "web=[1]", "web={}"] {
        refused(words(wrong), "--command, occurrence 1: it is not a JSON array of strings");
    }
}

#[test]
fn sizes_in_units_and_as_ecs_spells_them() {
    let size = |cpu: &[&str], memory: &[&str]| {
        let updates = read(Flags { cpu: texts(cpu), memory: texts(memory), ..Flags::default() })?;
        Ok(updates.sizes.into_iter().map(|size| (size.container, size.amount)).collect::<Vec<_>>())
    };
    assert_eq!(
        size(&["512", "web=.25 vCPU"], &["1GB", "web=0.5 gb"]).unwrap(),
        [(None, 512), (Some("web".into()), 256), (None, 1024), (Some("web".into()), 512)]
    );
    refused(size(&["half"], &[]), "--cpu, occurrence 1: 'half' is no amount");
    refused(size(&["0.3vCPU"], &[]), "--cpu, occurrence 1: '0.3vCPU' is no amount");
    refused(size(&[], &["1vCPU"]), "--memory, occurrence 1: '1vCPU' is no amount");
    refused(size(&["-1"], &[]), "--cpu, occurrence 1");
}

#[test]
fn roles_by_arn_or_name() {
    let role = |given: &str| read(Flags { task_role: Some(given.into()), ..Flags::default() });
    for right in ["shop-task", "arn:aws-cn:iam::123456789012:role/team/shop"] {
        assert_eq!(role(right).unwrap().task_role.as_deref(), Some(right));
    }
    for wrong in ["arn:aws:iam::1234:role/x", "arn:aws:iam::123456789012:user/x", "a b"] {
        refused(role(wrong), "--task-role-arn, occurrence 1: ");
    }
}

proptest! {
    #[test]
    fn any_value_passes_through_a_flag(value in r"[^$]*") {
        let given = format!("web:A={value}");
        prop_assert_eq!(env(&[&given]).unwrap(), [triple("web", "A", &value)]);
    }

    #[test]
    fn no_flag_panics(text in "(web|:|=|\\$|\\{|\\}|\\[|\\]|\"|[a-z]|é| )*") {
        let one = || vec![text.clone()];
        let _ = read(Flags { env: one(), image: one(), command: one(), ..Flags::default() });
        let _ = read(Flags { cpu: one(), remove_env: one(), replace_env: one(), ..Flags::default() });
    }
}
