//! CircleCI's way to later steps: lines of shell in `$BASH_ENV`, which bash sources before each of them. A value is
//! put between single quotes, where a shell expands nothing.

use crate::report::Export;

pub fn exports(exports: &[Export]) -> Result<String, String> {
    let mut lines = String::new();
    for export in exports {
        if export.value.contains('\0') {
            return Err(format!("the value of {} contains a NUL", export.name));
        }
        let quoted = quote(&export.value);
        export.variables.iter().for_each(|name| lines.push_str(&format!("export {name}={quoted}\n")));
    }
    Ok(lines)
}

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn exports_survive_a_shell() {
        let value = "it's $(touch pwned) `id` \"$HOME\" \\ \n!*~";
        let export = Export { name: "x", variables: &["A", "B"], value: value.into() };
        let script = exports(&[export]).unwrap() + "printf %s \"$A|$B\"";
        let shell = Command::new("/bin/sh").env_clear().arg("-c").arg(script).output().unwrap();
        assert_eq!(String::from_utf8(shell.stdout).unwrap(), format!("{value}|{value}"));
    }

    #[test]
    fn exports_with_a_nul_are_refused() {
        let export = Export { name: "x", variables: &["A"], value: "a\0b".into() };
        assert!(exports(&[export]).is_err());
    }
}
