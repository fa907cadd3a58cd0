//! The README's reference is what the program says of itself. `UPDATE_DOCS=1 cargo test docs` rewrites it.

use std::fs;
use std::path::{Path, PathBuf};

use dockless::config::VARIABLES;

fn readme() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")
}

/// The text between the two marks of a block, and around it.
fn block<'a>(text: &'a str, name: &str) -> (&'a str, &'a str, &'a str) {
    let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let start = text.find(&open).unwrap_or_else(|| panic!("README.md has no {open}")) + open.len();
    let end = start + text[start..].find(&close).unwrap_or_else(|| panic!("README.md has no {close}"));
    (&text[..start], &text[start..end], &text[end..])
}

fn check(name: &str, wanted: &str) {
    let text = fs::read_to_string(readme()).unwrap();
    let (before, found, after) = block(&text, name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(readme(), format!("{before}{wanted}{after}")).unwrap();
        return;
    }
    assert!(found == wanted, "README.md, {name}: out of date; run UPDATE_DOCS=1 cargo test docs");
}

/// One test, since both write one file.
#[test]
fn docs_are_what_the_program_says() {
    check("reference", &format!("{}\n", dockless::cli::reference().trim_end()));
    let rows = VARIABLES.iter().map(|variable| format!("| `{}` | {} |\n", variable.name, variable.meaning));
    check("variables", &format!("| variable | meaning |\n|---|---|\n{}", rows.collect::<String>()));
}
