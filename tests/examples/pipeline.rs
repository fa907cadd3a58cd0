//! Reads a pipeline as far as these tests need it: the scripts in its YAML, and the `dockless` calls in a script.

use std::fs;
use std::path::PathBuf;

use super::root;

pub struct Pipeline {
    pub file: PathBuf,
    pub steps: Vec<String>,
}

impl Pipeline {
    pub fn name(&self) -> String {
        let parts: Vec<_> = self.file.iter().rev().take(2).map(|part| part.to_str().unwrap()).collect();
        format!("{}/{}", parts[1], parts[0])
    }
}

pub fn pipelines() -> Vec<Pipeline> {
    let mut found = Vec::new();
    for system in ["circleci", "github"] {
        let folder = root().join("ci-examples").join(system);
        for entry in fs::read_dir(folder).unwrap() {
            let file = entry.unwrap().path();
            let steps = scripts(&fs::read_to_string(&file).unwrap());
            found.push(Pipeline { file, steps });
        }
    }
    found.sort_by(|a, b| a.file.cmp(&b.file));
    found
}

/// The shell scripts of a pipeline: values of `command:` and `run:`, on the same line or in a `|` block below it.
fn scripts(yaml: &str) -> Vec<String> {
    let lines: Vec<&str> = yaml.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some((column, value)) = script_key(line) else { continue };
        match value {
            "" => {} // a mapping follows
            "|" | "|-" | "|+" => found.push(block(&lines[at + 1..], column)),
            plain => found.push(plain.to_owned()),
        }
    }
    found
}

/// Column of the key and what follows it.
fn script_key(line: &str) -> Option<(usize, &str)> {
    let key = line.trim_start().trim_start_matches("- ");
    let value = key.strip_prefix("command:").or_else(|| key.strip_prefix("run:"))?;
    Some((line.len() - key.len(), value.trim()))
}

/// The lines that are further in than the key, without the indentation of the first.
fn block(lines: &[&str], column: usize) -> String {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let inside = lines.iter().take_while(|line| line.trim().is_empty() || indent(line) > column);
    let margin = lines.first().map_or(0, |line| indent(line));
    inside.map(|line| line.get(margin..).unwrap_or_default().to_owned() + "\n").collect()
}

/// The words after `dockless` of each call, quotes taken off; variables stay as they are written.
pub fn dockless_lines(script: &str) -> Vec<Vec<String>> {
    let script = script.replace("\\\n", " ");
    let calls = script.match_indices("dockless ").filter(|(at, _)| starts_command(&script[..*at]));
    calls.map(|(at, name)| shell_words(&script[at + name.len()..])).collect()
}

fn starts_command(before: &str) -> bool {
    before.is_empty() || before.ends_with("$(") || before.rsplit('\n').next().is_some_and(|line| line.trim().is_empty())
}

/// Words up to the end of the command: a newline, `)`, `>`, `|`, `;` or `&` outside quotes.
fn shell_words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in text.chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '\n' | ')' | '>' | '|' | ';' | '&') => break,
            (None, ' ') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[test]
fn scripts_of_a_block_and_of_a_line() {
    let yaml = "steps:\n  - run:\n      name: one\n      command: |\n        a \\\n          b\n\n        c\n  - run: d\n  - uses: e\n";
    assert_eq!(scripts(yaml), ["a \\\n  b\n\nc\n", "d"]);
}

#[test]
fn dockless_lines_with_quotes_continuations_and_substitution() {
    let script = "dockless push \\\n  --tag 'a b' \\\n  --to \"$X\" > file\nimage=$(dockless build --jar x)\necho \"dockless is not run here\"\n";
    let expected = [vec!["push", "--tag", "a b", "--to", "$X"], vec!["build", "--jar", "x"]];
    assert_eq!(dockless_lines(script), expected);
}
