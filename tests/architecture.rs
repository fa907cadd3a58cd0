//! The house stays as it was drawn: imports between rooms go down only, and what only one room may do is done there
//! alone. Rust itself allows import cycles between modules; this is what keeps them out.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const LEAVES: [&str; 3] = ["report", "clock", "nearest"];

/// Each room and the rooms it may use besides the leaves. The binary and the crate's root stand above all.
const ROOMS: &[(&str, &[&str])] = &[
    ("report", &[]),
    ("clock", &[]),
    ("nearest", &[]),
    ("image", &[]),
    ("aws", &[]),
    ("config", &[]),
    ("output", &[]),
    ("layer", &["image"]),
    ("registry", &["image"]),
    ("store", &["image"]),
    ("source", &["layer", "image"]),
    ("build", &["source", "store", "registry", "layer", "image"]),
    ("deploy", &["aws", "image"]),
    ("repository", &["aws", "image"]),
    ("sandbox", &["registry", "layer", "image"]),
    (
        "cli",
        &[
            "aws",
            "build",
            "config",
            "deploy",
            "image",
            "layer",
            "output",
            "registry",
            "repository",
            "sandbox",
            "source",
            "store",
        ],
    ),
    ("lib", &["cli", "config", "sandbox"]),
    ("main", &[]),
];

/// Words that only one place may say, outside of tests.
const PRIVILEGES: &[(&[&str], &str, &str)] = &[
    (&["env", "::", "var"], "config/env.rs", "reads the environment"),
    (&["env", "::", "vars"], "config/env.rs", "reads the environment"),
    (&["env", "::", "var_os"], "config/env.rs", "reads the environment"),
    (&["env", "::", "vars_os"], "config/env.rs", "reads the environment"),
    (&["print", "!"], "output/", "prints"),
    (&["println", "!"], "output/", "prints"),
    (&["eprint", "!"], "output/", "prints"),
    (&["eprintln", "!"], "output/", "prints"),
    (&["stdout", "(", ")"], "output/", "prints"),
    (&["stderr", "(", ")"], "output/", "prints"),
    (&["time", "::", "sleep"], "clock.rs", "sleeps"),
    (&["thread", "::", "sleep"], "clock.rs", "sleeps"),
    (&["SystemTime", "::", "now"], "clock.rs", "knows the time"),
    (&["Timestamp", "::", "now"], "clock.rs", "knows the time"),
    (&["dbg", "!"], "nowhere", "debugs"),
    (&["process", "::", "exit"], "nowhere", "ends the process"),
];

#[test]
fn imports_go_down_only() {
    let wrong: Vec<String> = sources().iter().flat_map(|source| upward(&source.path, &source.text)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn rooms_keep_to_their_own_work() {
    let wrong: Vec<String> = sources().iter().flat_map(|source| trespasses(&source.path, &source.text)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn modules_open_with_prose() {
    let silent = |source: &&Source| source.path != "main.rs" && !source.text.starts_with("//! ");
    let sources = sources();
    let silent: Vec<&str> = sources.iter().filter(silent).map(|source| source.path.as_str()).collect();
    assert!(silent.is_empty(), "these do not begin with //!: {silent:?}");
}

#[test]
fn names_say_something() {
    let empty = ["utils", "util", "helpers", "helper", "manager", "common", "misc"];
    let sources = sources();
    let parts = sources.iter().flat_map(|source| source.path.split('/').map(|part| part.trim_end_matches(".rs")));
    let found: BTreeSet<&str> = parts.filter(|part| empty.contains(part)).collect();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn main_stays_small() {
    let main = sources().into_iter().find(|source| source.path == "main.rs").expect("src/main.rs");
    assert!(main.text.lines().count() < 30);
}

struct Source {
    /// Below `src/`.
    path: String,
    text: String,
}

/// All but tests in files of their own.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = vec![root.clone()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push(Source { path: path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned(), text });
        }
    }
    assert!(found.len() > 20, "the sources were not found");
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// The imports of one file that its room may not make.
fn upward(path: &str, text: &str) -> Vec<String> {
    let room = path.split('/').next().unwrap().trim_end_matches(".rs");
    let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
        return vec![format!("src/{path}: room '{room}' is not in the table")];
    };
    let legal =
        |used: &str| used == room || LEAVES.contains(&used) && !LEAVES.contains(&room) || allowed.contains(&used);
    let used = rooms_used(&tokens(text), depth(path));
    used.into_iter().filter(|used| !legal(used)).map(|used| format!("src/{path} uses {used}")).collect()
}

/// How many `super` lead from a file to the crate's root.
fn depth(path: &str) -> usize {
    match path {
        "lib.rs" | "main.rs" => 0,
        path if path.ends_with("/mod.rs") => path.split('/').count() - 1,
        path => path.split('/').count(),
    }
}

/// First names after `crate::`, or after as many `super::` as lead to the root.
fn rooms_used(tokens: &[String], depth: usize) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    let mut blocks = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let behind = |n: usize| tokens.get(at.wrapping_sub(n)).map(String::as_str);
        match token.as_str() {
            "{" => blocks.push(behind(2) == Some("mod")),
            "}" => drop(blocks.pop()),
            "crate" if behind(1) != Some("$") => used.extend(names(&tokens[at + 1..])),
            "super" if behind(1) != Some("::") => {
                let inline = blocks.iter().filter(|module| **module).count();
                let ups = tokens[at..]
                    .chunks(2)
                    .take_while(|pair| pair[0] == "super" && pair.get(1).is_some_and(|t| t == "::"))
                    .count();
                if ups >= depth + inline {
                    used.extend(names(&tokens[at + 2 * (depth + inline) - 1..]));
                }
            }
            _ => {}
        }
    }
    used
}

/// The names that `::name` or `::{name, name::more}` begin with.
fn names(tokens: &[String]) -> Vec<String> {
    let text: Vec<&str> = tokens.iter().map(String::as_str).collect();
    match text[..] {
        ["::", "{", ..] => {
            let mut level = 1;
            let mut names = vec![tokens[2].clone()];
            for pair in text[2..].windows(2) {
                match pair[0] {
                    "{" => level += 1,
                    "}" => level -= 1,
                    "," if level == 1 && pair[1] != "}" => names.push(pair[1].to_owned()),
                    _ => {}
                }
                if level == 0 {
                    break;
                }
            }
            names
        }
        ["::", _, ..] => vec![tokens[1].clone()],
        _ => vec![],
    }
}

fn trespasses(path: &str, text: &str) -> Vec<String> {
    let tokens = without_tests(tokens(text));
    // `command.stdout(…)` is a method and prints nothing.
    let method = |at: usize| at > 0 && tokens[at - 1] == ".";
    let says =
        |words: &[&str]| tokens.windows(words.len()).enumerate().any(|(at, window)| window == words && !method(at));
    let wrong = PRIVILEGES.iter().filter(|(words, place, _)| !path.starts_with(place) && says(words));
    wrong.map(|(words, place, does)| format!("src/{path} {does} ({}); only src/{place} may", words.concat())).collect()
}

/// Without the modules under `#[cfg(test)]`.
fn without_tests(tokens: Vec<String>) -> Vec<String> {
    let mark = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut out = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if !tokens[at..].starts_with(&mark.map(str::to_owned)) {
            out.push(tokens[at].clone());
            at += 1;
            continue;
        }
        let mut level = 0;
        at += mark.len();
        while at < tokens.len() {
            let token = tokens[at].as_str();
            level += i32::from(token == "{") - i32::from(token == "}");
            at += 1;
            if level == 0 && (token == "}" || token == ";") {
                break;
            }
        }
    }
    out
}

/// Names, `::` and single signs; no comments, texts, characters or white space.
fn tokens(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let rest = &chars[at..];
        at += match rest {
            ['/', '/', ..] => rest.iter().take_while(|c| **c != '\n').count(),
            ['/', '*', ..] => comment(rest),
            ['"', ..] => quoted(rest),
            ['r', '"' | '#', ..] | ['b', 'r', '"' | '#', ..] if raw(rest).is_some() => raw(rest).unwrap(),
            ['\'', '\\', ..] => 3 + rest[3..].iter().take_while(|c| **c != '\'').count(),
            ['\'', _, '\'', ..] => 3,
            [':', ':', ..] => {
                tokens.push("::".to_owned());
                2
            }
            [c, ..] if word(*c) => {
                let name: String = rest.iter().take_while(|c| word(**c)).collect();
                let length = name.chars().count();
                tokens.push(name);
                length
            }
            [c, ..] => {
                tokens.extend((!c.is_whitespace()).then(|| c.to_string()));
                1
            }
            [] => unreachable!(),
        };
    }
    tokens
}

/// Length of a block comment; they nest.
fn comment(chars: &[char]) -> usize {
    let (mut level, mut at) = (0, 0);
    while at < chars.len() {
        match chars[at..] {
            ['/', '*', ..] => (level, at) = (level + 1, at + 2),
            ['*', '/', ..] => (level, at) = (level - 1, at + 2),
            _ => at += 1,
        }
        if level == 0 {
            break;
        }
    }
    at
}

fn quoted(chars: &[char]) -> usize {
    let mut at = 1;
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// Length of a raw text, if it is one (`r#name` is not).
fn raw(chars: &[char]) -> Option<usize> {
    let start = chars.iter().take_while(|c| "br".contains(**c)).count();
    let hashes = chars[start..].iter().take_while(|c| **c == '#').count();
    if chars.get(start + hashes) != Some(&'"') {
        return None;
    }
    let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let body = start + hashes + 1;
    let length = chars[body..].windows(end.len()).position(|window| window == end)?;
    Some(body + length + end.len())
}

mod scanner {
    use super::*;

    fn used(path: &str, text: &str) -> Vec<String> {
        rooms_used(&tokens(text), depth(path)).into_iter().collect()
    }

    #[test]
    fn imports_are_found_in_every_form() {
        assert_eq!(used("aws/ecs.rs", "use crate::deploy::Plan;"), ["deploy"]);
        assert_eq!(used("aws/ecs.rs", "use crate::{clock, deploy::{a, b::c}, image};"), ["clock", "deploy", "image"]);
        assert_eq!(used("aws/ecs.rs", "fn f() { let x = crate::cli::run(); }"), ["cli"]);
        assert_eq!(used("aws/ecs.rs", "use {std::io, crate::output::Form};"), ["output"]);
        assert_eq!(used("aws/ecs.rs", "use crate::*;"), ["*"]);
    }

    #[test]
    fn imports_by_way_of_super_are_found() {
        assert_eq!(used("aws/ecs.rs", "use super::super::deploy;"), ["deploy"]);
        assert_eq!(used("aws/ecs.rs", "use super::session;"), Vec::<String>::new());
        assert_eq!(used("aws/mod.rs", "use super::deploy;"), ["deploy"]);
        assert_eq!(used("clock.rs", "mod tests { use super::*; use super::super::{cli, aws}; }"), ["aws", "cli"]);
        assert_eq!(used("aws/ecs.rs", "mod tests { use super::super::session; } use super::super::build;"), ["build"]);
    }

    #[test]
    fn comments_and_texts_are_not_imports() {
        let text = r##"
            //! [`crate::deploy`]
            /* crate::build /* nested */ crate::cli */
            const A: &str = "crate::cli \" crate::cli"; const B: &str = r#"crate::"cli"#;
            const C: char = '"'; const D: char = '\''; fn f<'a>(x: &'a str) {}
            use crate::image;
        "##;
        assert_eq!(used("aws/ecs.rs", text), ["image"]);
    }

    #[test]
    fn upward_imports_are_told() {
        assert_eq!(upward("aws/ecs.rs", "use crate::deploy::Plan;"), ["src/aws/ecs.rs uses deploy"]);
        assert_eq!(upward("registry/auth.rs", "use crate::aws;"), ["src/registry/auth.rs uses aws"]);
        assert_eq!(upward("build/mod.rs", "use crate::deploy;"), ["src/build/mod.rs uses deploy"]);
        assert_eq!(upward("report.rs", "use crate::clock;"), ["src/report.rs uses clock"]);
        assert_eq!(upward("novel/mod.rs", ""), ["src/novel/mod.rs: room 'novel' is not in the table"]);
        assert!(upward("build/mod.rs", "use crate::{report::Event, layer, build::x};").is_empty());
    }

    #[test]
    fn trespasses_are_told() {
        let print = "fn f() { println!(\"x\"); }";
        assert_eq!(trespasses("aws/ecs.rs", print), ["src/aws/ecs.rs prints (println!); only src/output/ may"]);
        assert!(trespasses("output/printer.rs", print).is_empty());
        assert!(trespasses("aws/ecs.rs", "#[cfg(test)] mod tests { fn f() { println!(); } }").is_empty());
        assert_eq!(trespasses("aws/ecs.rs", "#[cfg(test)] mod tests; fn f() { dbg!(1); }").len(), 1);
        assert_eq!(trespasses("aws/ecs.rs", "let a = std::env::var(\"A\"); tokio::time::sleep(x)").len(), 2);
        assert!(trespasses("aws/ecs.rs", "// std::env::var\nlet x = self.clock.sleep(y);").is_empty());
    }
}
