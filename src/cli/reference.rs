//! The command line as a Markdown document, made from the same description that parses it, so that documentation
//! can be checked against the program.

use clap::{Arg, Command, CommandFactory};

use super::{Cli, argv};

/// One chapter per subcommand, one table per group of flags; then the flags that all of them have.
pub fn reference() -> String {
    let command = argv::parser(Cli::command());
    let chapters = command.get_subcommands().map(chapter);
    chapters.chain([format!("## Every subcommand\n{}", tables(&command))]).collect::<Vec<_>>().join("\n")
}

fn chapter(command: &Command) -> String {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let parts: String = command.get_subcommands().map(|part| section(command.get_name(), part)).collect();
    let name = command.get_name();
    format!("## dockless {name}\n\n{about}.\n{}\n```text\n{examples}\n```\n{parts}", tables(command))
}

/// A subcommand of a subcommand.
fn section(parent: &str, command: &Command) -> String {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    format!("\n### dockless {parent} {}\n\n{about}.\n{}", command.get_name(), tables(command))
}

fn tables(command: &Command) -> String {
    let mut text = String::new();
    let mut heading = None;
    for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
        let group = arg.get_help_heading().unwrap_or("Arguments");
        if heading != Some(group) {
            heading = Some(group);
            text += &format!("\n| {group} | |\n|---|---|\n");
        }
        text += &row(arg);
    }
    text
}

fn row(arg: &Arg) -> String {
    let values: Vec<&str> = arg.get_value_names().unwrap_or_default().iter().map(|name| name.as_str()).collect();
    let value = match (arg.get_long(), arg.is_require_equals_set()) {
        _ if !arg.get_action().takes_values() => String::new(),
        (Some(_), true) => format!("[={}]", values.join(" ")),
        (Some(_), false) => format!(" {}", values.join(" ")),
        (None, _) => values.join(" "),
    };
    let name = arg.get_long().map(|long| format!("--{long}")).unwrap_or_default();
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default().replace('|', "\\|");
    format!("| `{name}{value}` | {help} |\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reference_has_chapters_tables_and_examples() {
        let text = reference();
        for part in [
            "## dockless build-and-push\n",
            "| Where to | |\n",
            "| `--repo NAME` | Repository in the registry, e.g. team/shop |\n",
            "| `--create-repo[=BOOL]` | Make the repository if it is missing |\n",
            "| `SOURCE` | The image: ",
            "  dockless push oci:image --repo team/shop",
            "## Every subcommand\n\n| Global options | |\n",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!text.contains("use-credentials-helper"), "what is hidden stays hidden");
    }
}
