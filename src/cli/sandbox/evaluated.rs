//! What a shell gets that evaluates the output of a command which failed. `eval ""` is a success, even under
//! `set -e`, and the script would go on to the real account; so there is a line in place of the variables that fails,
//! and that leads nowhere for scripts that do not mind.

use std::ffi::OsString;

/// One line, for `eval $(…)` without quotes joins lines. The endpoint's top-level domain never resolves (RFC 2606), so
/// that whatever is called next fails and says why; the keys are none of AWS's.
pub const NOWHERE: &str = "export AWS_ENDPOINT_URL='http://no-sandbox-is-running.invalid' \
    AWS_ECR_ACCOUNT_URL='no-sandbox-is-running.invalid' AWS_ACCOUNT_ID='' \
    AWS_ACCESS_KEY_ID='AKIANOSANDBOXRUNNING' AWS_SECRET_ACCESS_KEY='none'; \
    unset AWS_PROFILE AWS_SESSION_TOKEN AWS_ROLE_ARN AWS_WEB_IDENTITY_TOKEN_FILE; false";

/// Whether the output is meant for a shell: `sandbox env`, `sandbox start --detach`. By the words as they were typed,
/// for they may be ones that cannot be parsed.
pub fn is_for_eval(argv: &[OsString]) -> bool {
    let words: Vec<&str> = argv.iter().map(|word| word.to_str().unwrap_or_default()).collect();
    let mut words = words.split(|word| *word == "--").next().unwrap_or_default().iter();
    if !words.any(|word| *word == "sandbox") {
        return false;
    }
    let tasks = ["start", "status", "stop", "logs", "env", "run"];
    match words.find(|word| tasks.contains(word)) {
        Some(&"env") => true,
        Some(&"start") => words.any(|word| detaches(word)),
        _ => false,
    }
}

fn detaches(word: &str) -> bool {
    let given = word.strip_prefix("--detach").map(|value| value.to_ascii_lowercase());
    given.is_some_and(|value| value.is_empty() || value.starts_with('=') && !["=", "=false", "=0"].contains(&&*value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::Running;

    #[test]
    fn output_is_for_a_shell_where_it_holds_variables() {
        let is = |line: &str| is_for_eval(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        for line in
            ["sandbox env", "sandbox --dir x env", "sandbox start --prot 1 --detach", "sandbox start --detach=1"]
        {
            assert!(is(&format!("dockless {line}")), "{line}");
        }
        for line in
            ["sandbox start", "sandbox start --detach=false", "sandbox run -- env", "sandbox status", "diff env"]
        {
            assert!(!is(&format!("dockless {line}")), "{line}");
        }
    }

    #[test]
    fn nothing_that_leads_to_aws_is_left_as_it_was() {
        Running::unset().iter().for_each(|name| assert!(NOWHERE.contains(name), "{name}"));
        for name in ["AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ECR_ACCOUNT_URL"] {
            assert!(NOWHERE.contains(&format!("{name}='")), "{name}");
        }
    }
}
