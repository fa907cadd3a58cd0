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

/// The parameters of aws-ecs 8.0.0 and aws-ecr 9.8.1 whose subcommand is there, apart from those of every job.
const ORBS: &[(&str, &str)] = &[
    (
        "deploy_service_update",
        "family cluster service_name deployment_controller codedeploy_application_name codedeploy_deployment_group_name \
         codedeploy_load_balanced_container_name codedeploy_load_balanced_container_port container_image_name_updates \
         container_env_var_updates container_secret_updates container_docker_label_updates force_new_deployment \
         enable_circuit_breaker verify_revision_is_deployed verification_timeout max_poll_attempts poll_interval \
         fail_on_verification_timeout skip_task_definition_registration task_definition_tags previous_revision_number \
         codedeploy_capacity_provider_name codedeploy_capacity_provider_base codedeploy_capacity_provider_weight \
         deployment_config_name create_service desired_count subnets security_groups public_ip target_group \
         container_name container_port",
    ),
    (
        "update_task_definition",
        "family container_image_name_updates container_env_var_updates container_secret_updates \
         container_docker_label_updates task_definition_tags previous_revision_number deploy_scheduled_task rule_name",
    ),
    ("update_task_definition_from_json", "task_definition_json deploy_scheduled_task rule_name"),
    (
        "verify_revision_is_deployed",
        "family cluster service_name task_definition_arn max_poll_attempts poll_interval fail_on_verification_timeout",
    ),
    ("deploy_ecs_scheduled_task", "rule_name"),
    (
        "run_task",
        "cluster task_definition count started_by group placement_constraints placement_strategy launch_type \
         platform_version awsvpc subnet_ids security_group_ids assign_public_ip overrides tags enable_ecs_managed_tags \
         enable_execute_command propagate_tags capacity_provider_strategy run_task_output wait_task_stopped \
         exit_code_from",
    ),
    (
        "build_and_push_image",
        "account_id public_registry repo create_repo repo_scan_on_push tag setup_remote_docker remote_docker_version \
         remote_docker_layer_caching container_registry_login registry_login dockerfile path build_path \
         extra_build_args skip_when_tags_exist platform public_registry_alias push_image lifecycle_policy_path \
         set_repo_policy repo_policy_path repo_encryption_type repo_encryption_kms_key repo_image_tag_mutability \
         repo_image_tag_exclusion_filters aws_domain use_credentials_helper binfmt_version repo_tag",
    ),
    (
        "build_image",
        "account_id repo tag dockerfile path build_path extra_build_args skip_when_tags_exist public_registry platform \
         public_registry_alias push_image lifecycle_policy_path aws_domain binfmt_version",
    ),
    ("push_image", "account_id repo tag public_registry public_registry_alias aws_domain"),
    ("ecr_login", "account_id public_registry aws_domain use_credentials_helper"),
    (
        "create_repo",
        "repo repo_scan_on_push repo_encryption_type encryption_kms_key image_tag_mutability image_tag_exclusion_filters \
         repo_tag public_registry",
    ),
    ("set_repo_policy", "repo repo_policy_path public_registry"),
    ("tag_image", "account_id repo source_tag target_tag skip_when_tags_exist extra_args"),
    ("tag_repo", "account_id repo tag"),
];

/// Every job and command of both orbs.
const JOBS: &str = "deploy_service_update run_task update_service update_task_definition \
     update_task_definition_from_json verify_revision_is_deployed deploy_ecs_scheduled_task install_ecs_cli \
     build_and_push_image build_image create_repo ecr_login push_image set_repo_policy tag_image tag_repo";

/// What many of them have.
const COMMON: &str = "region profile_name auth executor checkout attach_workspace workspace_root extra_command_label \
     no_output_timeout";

/// What stands in backquotes.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// The flags of a chapter of the reference, which has one table row a flag.
fn flags<'a>(reference: &'a str, chapter: &str) -> Vec<&'a str> {
    let start = reference.find(&format!("## {chapter}\n")).unwrap_or_else(|| panic!("there is no {chapter}"));
    let rows = reference[start + 3..].split("\n## ").next().unwrap().lines();
    rows.filter_map(|row| row.strip_prefix("| `")?.split(['`', ' ', '[']).next()).collect()
}

/// Every parameter has its row, and every flag that a row names exists on that subcommand.
#[test]
fn orbs_parameters_have_their_flags() {
    let (text, reference) = (fs::read_to_string(readme()).unwrap(), dockless::cli::reference());
    let everywhere = flags(&reference, "Every subcommand");
    let mut found = Vec::new();
    for table in block(&text, "orbs").1.split("\n\n").filter(|table| table.trim_start().starts_with('|')) {
        let mut rows = table.trim().lines().map(|row| row.split('|').skip(1).collect::<Vec<_>>());
        let head = rows.next().unwrap();
        let command = quoted(head[1]).first().copied();
        let own = command.map(|command| flags(&reference, command)).unwrap_or_default();
        let known = |flag: &&str| own.contains(flag) || everywhere.contains(flag);
        let mut parameters = Vec::new();
        for row in rows.skip(1) {
            parameters.extend(quoted(row[0]));
            let named = row[1..].iter().flat_map(|cell| quoted(cell));
            let named = named.filter_map(|text| text.split([' ', '=']).next()).filter(|flag| flag.starts_with("--"));
            let unknown: Vec<&str> = named.filter(|flag| !known(flag)).collect();
            let reason = row[2].trim();
            let aliases = ["--wait", "--profile-name"];
            assert!(unknown.iter().all(|flag| aliases.contains(flag)), "{command:?}: {unknown:?}");
            assert!(
                !quoted(row[1]).is_empty() || !reason.is_empty(),
                "{command:?}: {} has no flag and no reason",
                row[0]
            );
        }
        found.push((quoted(head[0]).first().copied(), parameters));
    }
    for &(job, names) in ORBS {
        let (_, rows) =
            found.iter().find(|(head, _)| *head == Some(job)).unwrap_or_else(|| panic!("no table of {job}"));
        let missing: Vec<&str> = names.split_whitespace().filter(|name| !rows.contains(name)).collect();
        assert!(missing.is_empty() && rows.len() == names.split_whitespace().count(), "{job}: {missing:?} of {rows:?}");
    }
}

/// Each has a table, or is said not to be there.
#[test]
fn orbs_jobs_and_commands_are_all_told_of() {
    let text = fs::read_to_string(readme()).unwrap();
    let (tables, prose): (Vec<&str>, Vec<&str>) =
        block(&text, "orbs").1.split("\n\n").partition(|part| part.trim_start().starts_with('|'));
    let cell =
        |row: &str| quoted(row.split('|').nth(1).unwrap_or_default()).iter().map(|name| (*name).to_owned()).collect();
    let heads: Vec<Vec<String>> = tables.iter().map(|table| cell(table.trim().lines().next().unwrap())).collect();
    let told: Vec<&str> = prose.iter().flat_map(|part| quoted(part)).collect();
    for job in JOBS.split_whitespace() {
        assert!(heads.iter().flatten().any(|name| name == job) || told.contains(&job), "{job} is not told of");
    }
    let first: Vec<String> = tables[0].trim().lines().skip(2).flat_map(cell).collect();
    assert_eq!(first, COMMON.split_whitespace().collect::<Vec<_>>());
}

/// One test, since both write one file.
#[test]
fn docs_are_what_the_program_says() {
    check("reference", &format!("{}\n", dockless::cli::reference().trim_end()));
    let rows = VARIABLES.iter().map(|variable| format!("| `{}` | {} |\n", variable.name, variable.meaning));
    check("variables", &format!("| variable | meaning |\n|---|---|\n{}", rows.collect::<String>()));
}
