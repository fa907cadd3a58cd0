//! The command line before it is parsed. Pipelines hand over parameters that may be empty and values that hold
//! variables, so this pass, led by clap's own description of the flags, drops what is empty, splits lists, replaces
//! variables, and writes every value so that it cannot be taken for anything else. No subcommand has to think of it,
//! and clap still checks types and names the flag. Text of the user's that holds a language (`Template`) is left as
//! it is.

use std::any::TypeId;
use std::ffi::OsString;
use std::iter::Peekable;

use clap::{Arg, ArgAction, Command};
use serde_json::{Map, Value};

use super::error::Error;
use super::values::{Pair, Template, switch};
use crate::config::{Env, substitute};

/// What a flag's value is, as far as this pass cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Flag,
    Switch,
    Text,
    List(char),
    Pair,
    Template,
    /// One that may be repeated and stands for one change each: nobody gives it for nothing.
    Change,
}

fn shape(arg: &Arg) -> Shape {
    if !arg.get_action().takes_values() {
        return Shape::Flag;
    }
    let value = arg.get_value_parser().type_id();
    match arg.get_value_delimiter() {
        Some(delimiter) => Shape::List(delimiter),
        None if value == TypeId::of::<bool>() => Shape::Switch,
        None if value == TypeId::of::<Pair>() => Shape::Pair,
        None if value == TypeId::of::<Template>() && matches!(arg.get_action(), ArgAction::Append) => Shape::Change,
        None if value == TypeId::of::<Template>() => Shape::Template,
        None => Shape::Text,
    }
}

/// The declared command as clap is to parse it: switches take an optional value, and lists arrive already split.
pub fn parser(command: Command) -> Command {
    let arg = |arg: Arg| match shape(&arg) {
        Shape::Switch => {
            let arg = arg.num_args(0..=1).require_equals(true).default_missing_value("true");
            arg.value_parser(switch).value_name("BOOL")
        }
        Shape::List(_) => arg.value_delimiter(None),
        _ => arg,
    };
    command.mut_args(arg).mut_subcommands(parser)
}

/// Rewrites `argv` (whose first word is the program's name) for `parser(declared)`.
pub fn normalise(declared: Command, argv: Vec<OsString>, env: &Env) -> Result<Vec<OsString>, Error> {
    let mut command = declared;
    command.build();
    let mut command = &command;
    let mut words = argv.into_iter().peekable();
    let mut out: Vec<OsString> = words.next().into_iter().collect();
    while let Some(word) = words.next() {
        match word.to_str() {
            Some("--") => {
                out.push(word);
                break;
            }
            Some(text) if text.starts_with("--") => out.extend(option(command, text, &mut words, env)?),
            Some(text) if !text.starts_with('-') => match command.find_subcommand(text) {
                Some(subcommand) => {
                    command = subcommand;
                    out.push(word);
                }
                None => out.extend(argument(command, text, env)?),
            },
            _ => out.push(word),
        }
    }
    out.extend(words);
    Ok(out)
}

/// The words for one `--name`, with its value from behind the `=` or from the next word.
fn option(
    command: &Command,
    word: &str,
    words: &mut Peekable<impl Iterator<Item = OsString>>,
    env: &Env,
) -> Result<Vec<OsString>, Error> {
    let (flag, value) = word.split_once('=').map_or((word, None), |(flag, value)| (flag, Some(value.to_owned())));
    let Some(arg) = find(command, &flag[2..]) else { return Ok(vec![word.into()]) };
    let shape = shape(arg);
    let value = match (value, shape) {
        (value, Shape::Flag) | (value @ Some(_), _) => value,
        (None, Shape::Switch) => words.next_if(|next| next.is_empty()).map(|_| String::new()),
        (None, _) => {
            let takes = |next: &OsString| {
                next.to_str()
                    .is_some_and(|next| arg.is_allow_hyphen_values_set() || !next.starts_with('-') || next == "-")
            };
            words.next_if(takes).and_then(|next| next.into_string().ok())
        }
    };
    match value {
        // Without a value where one is needed, clap has the right words.
        None => Ok(vec![word.into()]),
        Some(_) if shape == Shape::Flag => Ok(vec![word.into()]),
        Some(value) => {
            Ok(values(shape, flag, &value, env)?.iter().map(|value| format!("{flag}={value}").into()).collect())
        }
    }
}

fn argument(command: &Command, text: &str, env: &Env) -> Result<Option<OsString>, Error> {
    let name = command
        .get_positionals()
        .next()
        .map_or("the argument".into(), |arg| format!("<{}>", arg.get_id().as_str().to_uppercase()));
    let text = fill(&name, text, env)?;
    Ok(Some(text).filter(|text| !text.is_empty()).map(Into::into))
}

fn find<'c>(command: &'c Command, name: &str) -> Option<&'c Arg> {
    command.get_arguments().find(|arg| {
        arg.get_long() == Some(name) || arg.get_all_aliases().is_some_and(|aliases| aliases.contains(&name))
    })
}

/// The values that `text` stands for; none if it is empty, but for a change, which is to be refused.
fn values(shape: Shape, flag: &str, text: &str, env: &Env) -> Result<Vec<String>, Error> {
    let begins = |c| text.trim_start().starts_with(c);
    let filled = |text: &str| fill(flag, text, env);
    let mut values = match shape {
        Shape::List(_) if begins('[') => {
            let items: Vec<String> = json(flag, text, "a JSON array of strings")?;
            return items.iter().map(|item| filled(item)).collect();
        }
        Shape::Pair if begins('{') => {
            let members: Map<String, Value> = json(flag, text, "a JSON object of strings")?;
            return members.iter().map(|(name, value)| pair_of(flag, name, value, env)).collect();
        }
        Shape::List(delimiter) => {
            split(text, delimiter).into_iter().map(|item| filled(item.trim())).collect::<Result<_, _>>()?
        }
        Shape::Pair if !text.is_empty() => vec![pair(flag, text, env)?],
        Shape::Change => return Ok(vec![text.to_owned()]),
        Shape::Template => vec![text.to_owned()],
        _ => vec![filled(text)?],
    };
    values.retain(|value| !value.is_empty());
    Ok(values)
}

fn json<T: serde::de::DeserializeOwned>(flag: &str, text: &str, wanted: &'static str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|_| Error::Json { flag: flag.into(), wanted })
}

/// Where each `,` could be the beginning of a second pair there is no telling what was meant, so it is refused.
fn pair(flag: &str, text: &str, env: &Env) -> Result<String, Error> {
    let refuse = |why| Error::Pair { flag: flag.into(), why };
    let (name, value) = text.split_once('=').ok_or_else(|| refuse("there is no '=' in it"))?;
    let begins_pair = |piece: &str| piece.split_once('=').is_some_and(|(name, _)| is_name(name));
    if split(value, ',').into_iter().skip(1).any(|piece| begins_pair(piece.trim())) {
        return Err(refuse("it looks like several pairs in one value"));
    }
    named(flag, &fill(flag, name, env)?, &fill(flag, value, env)?)
}

fn pair_of(flag: &str, name: &str, value: &Value, env: &Env) -> Result<String, Error> {
    let value = match value {
        Value::String(text) => fill(flag, text, env)?,
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        _ => return Err(Error::Json { flag: flag.into(), wanted: "a JSON object of strings" }),
    };
    named(flag, name, &value)
}

fn named(flag: &str, name: &str, value: &str) -> Result<String, Error> {
    if name.is_empty() || name.contains('=') {
        return Err(Error::Pair { flag: flag.into(), why: "the name is empty or holds a '='" });
    }
    Ok(format!("{name}={value}"))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.starts_with('-') && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-/".contains(c))
}

/// Splits at the delimiter, but not inside `${…}`.
fn split(text: &str, delimiter: char) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut depth, mut dollar) = (0, 0, false);
    for (at, c) in text.char_indices() {
        match c {
            '{' if dollar => depth += 1,
            '}' if depth > 0 => depth -= 1,
            c if c == delimiter && depth == 0 => {
                pieces.push(&text[start..at]);
                start = at + c.len_utf8();
            }
            _ => {}
        }
        dollar = c == '$' && !dollar;
    }
    pieces.push(&text[start..]);
    pieces
}

fn fill(flag: &str, text: &str, env: &Env) -> Result<String, Error> {
    substitute(text, env).map_err(|why| Error::Setting { flag: flag.into(), why })
}

#[cfg(test)]
mod tests {
    use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

    use super::*;
    use crate::report::Explain;

    #[derive(Debug, Parser)]
    struct Tool {
        #[arg(long, global = true, value_delimiter = ',', alias = "zone")]
        region: Vec<String>,
        #[arg(long, global = true)]
        dry_run: Option<bool>,
        #[arg(short, long, global = true, action = clap::ArgAction::Count)]
        verbose: u8,
        #[command(subcommand)]
        task: Task,
    }

    #[derive(Debug, Subcommand)]
    enum Task {
        #[command(alias = "make")]
        Build(Build),
    }

    #[derive(Debug, Args)]
    struct Build {
        source: Option<String>,
        #[arg(long)]
        from: Option<String>,
        #[arg(long)]
        count: Option<u32>,
        #[arg(long, value_delimiter = ',', allow_hyphen_values = true)]
        args: Vec<String>,
        #[arg(long = "environment-variables", alias = "env")]
        env: Vec<Pair>,
        #[arg(long)]
        updates: Option<Template>,
        #[arg(long)]
        image: Vec<Template>,
    }

    fn rewrite(words: &[&str]) -> Result<Vec<String>, Error> {
        let env = Env::from_iter([("SHA", "abcdef"), ("EMPTY", ""), ("SLY", "a,b --from=x"), ("N", "3")]);
        let argv = ["tool"].iter().chain(words).map(OsString::from).collect();
        let words = normalise(Tool::command(), argv, &env)?;
        Ok(words.into_iter().skip(1).map(|word| word.into_string().unwrap()).collect())
    }

    fn parse(words: &[&str]) -> Result<Tool, clap::Error> {
        let words = rewrite(words).unwrap_or_else(|why| panic!("{why}"));
        let matches = parser(Tool::command()).try_get_matches_from(["tool".to_owned()].into_iter().chain(words))?;
        Tool::from_arg_matches(&matches)
    }

    fn build(words: &[&str]) -> Build {
        let Task::Build(build) = parse(&[&["build"], words].concat()).unwrap_or_else(|why| panic!("{why}")).task;
        build
    }

    #[test]
    fn argv_empty_values_are_not_given() {
        let empty = [
            "build",
            "",
            "--from",
            "",
            "--count=",
            "--region",
            "",
            "--args",
            "",
            "--args=,",
            "--env",
            "",
            "--dry-run=",
            "--updates=",
        ];
        assert_eq!(rewrite(&empty).unwrap(), ["build"]);
        assert_eq!(
            rewrite(&["build", "--image", ""]).unwrap(),
            ["build", "--image="],
            "a change is there to be refused"
        );
        assert_eq!(rewrite(&["--region=", "make", "--from=${EMPTY}", "--dry-run", "", "$EMPTY"]).unwrap(), ["make"]);
    }

    #[test]
    fn argv_switches_in_all_spellings() {
        let dry_run = |words: &[&str]| parse(words).map(|tool| tool.dry_run);
        assert_eq!(dry_run(&["build", "--dry-run"]).unwrap(), Some(true));
        assert_eq!(dry_run(&["--dry-run=False", "build"]).unwrap(), Some(false));
        assert_eq!(dry_run(&["build", "--dry-run=1"]).unwrap(), Some(true));
        assert_eq!(dry_run(&["build"]).unwrap(), None);
        assert!(dry_run(&["build", "--dry-run=maybe"]).is_err());
        assert_eq!(build(&["--dry-run", "oci:x"]).source.as_deref(), Some("oci:x"));
    }

    #[test]
    fn argv_lists_are_split_then_filled() {
        let regions = |words: &[&str]| parse(words).unwrap().region;
        assert_eq!(regions(&["--zone", "a, $SHA,,b", "--region=c", "build"]), ["a", "abcdef", "b", "c"]);
        assert_eq!(build(&["--args", "-a,${SHA:0:2},${NONE:-x,y}"]).args, ["-a", "ab", "x,y"]);
        assert_eq!(build(&["--args", "$SLY"]).args, ["a,b --from=x"]);
        assert_eq!(build(&["--args", r#"["-a,b","","$SHA"]"#]).args, ["-a,b", "", "abcdef"]);
        assert!(rewrite(&["build", "--args", "[a]"]).unwrap_err().to_string().contains("begins like JSON"));
    }

    #[test]
    fn argv_values_are_filled_and_cannot_become_flags() {
        assert_eq!(build(&["--from", "$SLY"]).from.as_deref(), Some("a,b --from=x"));
        assert_eq!(build(&["--count", "$N"]).count, Some(3));
        assert_eq!(build(&["oci:${SHA}"]).source.as_deref(), Some("oci:abcdef"));
        assert_eq!(
            build(&["--updates", "container=a,tag=$SHA"]).updates,
            Some(Template("container=a,tag=$SHA".into()))
        );
    }

    #[test]
    fn argv_unset_variable_names_the_flag() {
        let error = rewrite(&["build", "--from", "x:${CIRCLE_SHA1}"]).unwrap_err();
        assert_eq!(error.to_string(), "--from: variable CIRCLE_SHA1 is not set");
        assert!(error.hint().unwrap().contains("CIRCLE_SHA1"));
        assert_eq!(rewrite(&["build", "$NONE"]).unwrap_err().to_string(), "<SOURCE>: variable NONE is not set");
    }

    #[test]
    fn argv_missing_values_are_left_to_clap() {
        let error = parse(&["build", "--from", "--count", "1"]).unwrap_err().to_string();
        assert!(error.contains("a value is required for '--from <FROM>'"), "{error}");
        assert!(parse(&["build", "--frm", "x"]).unwrap_err().to_string().contains("'--from'"));
        assert_eq!(
            rewrite(&["-vv", "build", "--", "--from", "$NONE"]).unwrap(),
            ["-vv", "build", "--", "--from", "$NONE"]
        );
    }

    #[test]
    fn argv_pairs() {
        let pairs = |words: &[&str]| build(words).env.into_iter().map(|p| (p.name, p.value)).collect::<Vec<_>>();
        let wanted = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(pairs(&["--env", "A=x=y", "--env=B=$SLY"]), [wanted("A", "x=y"), wanted("B", "a,b --from=x")]);
        assert_eq!(
            pairs(&["--env", "OPTS=-Da=1,-Db=2", "--env", "E="]),
            [wanted("OPTS", "-Da=1,-Db=2"), wanted("E", "")]
        );
        assert_eq!(pairs(&["--env", r#"{"A":"1,B=2","N":7}"#]), [wanted("A", "1,B=2"), wanted("N", "7")]);
        for text in ["NOTHING", "=x", "A=1,B=2", r#"{"A":[]}"#, r#"{"A=B":"x"}"#] {
            let error = rewrite(&["build", "--env", text]).unwrap_err();
            assert!(!error.to_string().contains(text), "{error}");
        }
    }
}
