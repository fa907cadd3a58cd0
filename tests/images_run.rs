//! What was built runs: read back from a real registry by skopeo, unpacked by umoci, started by podman and runc with
//! its own entrypoint, in a network of its own.

use std::process::Command;

use serde_json::Value;

use crate::support::container::{Container, podman};
use crate::support::docker_registry::{program, run};
use crate::support::stack::Stack;
use crate::support::stage::Stage;

const BOOT_PAGE: &str = "Hello from a container that no Docker built.";

#[tokio::test]
async fn boot_4_jar_runs() {
    // Both the launcher and the classes stand where the entrypoint looks for them.
    let unpacked = ["org/springframework/boot/loader/launch/JarLauncher.class", "BOOT-INF/classes/static/index.html"];
    jar_runs("spring-boot/app.jar", BOOT_PAGE, &unpacked, 3).await;
}

#[tokio::test]
async fn boot_2_7_jar_runs() {
    let unpacked = ["org/springframework/boot/loader/JarLauncher.class", "BOOT-INF/classes/static/index.html"];
    jar_runs("boot-2.7/boot-layers.jar", BOOT_PAGE, &unpacked, 3).await;
}

#[tokio::test]
async fn boot_2_7_jar_without_layers_index_runs() {
    let unpacked = ["org/springframework/boot/loader/JarLauncher.class", "BOOT-INF/classes/static/index.html"];
    jar_runs("boot-2.7/boot-no-layers.jar", BOOT_PAGE, &unpacked, 4).await;
}

#[tokio::test]
async fn plain_jar_with_class_path_runs() {
    jar_runs(
        "plain-jar/server.jar",
        "Hello from a plain jar\n",
        &["dependencies/greeting.jar", "explodedJar/com/example/Server.class"],
        3,
    )
    .await;
}

/// Of base/jre:17.
const BASE_LAYERS: usize = 2;

/// Builds a jar on the stack's Java, looks at the image with other tools, runs it and gets its page.
async fn jar_runs(fixture: &str, page: &str, unpacked: &[&str], layers: usize) {
    let Some(stack) = Stack::running() else { return };
    let stage = Stage::new();
    let to = format!("{}/runs/{}:v1", &stack["REGISTRY"], fixture.replace(['/', '.'], "-"));
    let base = format!("{}/base/jre:17", &stack["REGISTRY"]);
    let words = ["build-and-push", "--jar", &stack.fixture(fixture), "--from", &base, "--to", &to];
    let built = stage.document(&words).await;
    assert_eq!(built["references"][0], format!("{to}@{}", built["digest"].as_str().unwrap()));

    let config = read_back(&to, &built, layers + BASE_LAYERS);
    assert_eq!(config["config"]["Entrypoint"][0], "java", "{config}");
    unpack(&stage, &to);
    for path in unpacked {
        assert!(stage.path("bundle/rootfs/app").join(path).exists(), "{path} is not in the image");
    }
    let container = Container::start(&stack, &to, &["--env", "SERVER_ADDRESS=127.0.0.1"]);
    let got = container.page("http://127.0.0.1:8080/");
    assert!(got.contains(page), "{got}");
    let digest = run(podman(&stack).args(["image", "inspect", "--format", "{{.Digest}}", &to]));
    assert_eq!(digest.trim(), built["digest"], "podman ran what was pushed");
}

fn skopeo(arguments: &[&str]) -> String {
    run(program("skopeo").arg("--insecure-policy").args(arguments))
}

/// The image as skopeo sees it: the digest that was printed, so many layers. Its configuration.
fn read_back(reference: &str, built: &Value, layers: usize) -> Value {
    let image = format!("docker://{reference}");
    let seen: Value = serde_json::from_str(&skopeo(&["inspect", "--tls-verify=false", &image])).unwrap();
    assert_eq!(seen["Digest"], built["digest"]);
    let wanted: Vec<&Value> = built["layers"].as_array().unwrap().iter().map(|layer| &layer["digest"]).collect();
    assert_eq!((seen["Layers"].as_array().unwrap().iter().collect::<Vec<_>>(), wanted.len()), (wanted, layers));
    serde_json::from_str(&skopeo(&["inspect", "--config", "--tls-verify=false", &image])).unwrap()
}

/// Brings the image to `bundle/`.
fn unpack(stage: &Stage, reference: &str) {
    let layout = format!("{}:v1", stage.path("copied").display());
    skopeo(&["copy", "--quiet", "--src-tls-verify=false", &format!("docker://{reference}"), &format!("oci:{layout}")]);
    let mut umoci = program("umoci");
    umoci.args(["unpack", "--image", &layout]);
    if !is_root() {
        umoci.arg("--rootless");
    }
    run(umoci.arg(stage.path("bundle")));
}

fn is_root() -> bool {
    run(Command::new("id").arg("-u")).trim() == "0"
}

#[tokio::test]
async fn binary_on_scratch_runs() {
    let Some(stack) = Stack::running() else { return };
    let stage = Stage::new();
    let busybox = std::fs::read(run(program("sh").args(["-c", "command -v busybox"])).trim()).expect("busybox");
    stage.write("busybox", busybox);
    let to = format!("{}/runs/busybox:v1", &stack["REGISTRY"]);
    stage.write("www/index.html", "Hello from scratch\n");
    let words = ["build-and-push", "--binary", "busybox", "--from", "scratch", "--files", "www:/www", "--to", &to];
    stage.done(&[&words[..], &["--program-args", "httpd,-f,-p,127.0.0.1:8099,-h,/www"]].concat()).await;
    let container = Container::start(&stack, &to, &[]);
    assert_eq!(container.page("http://127.0.0.1:8099/"), "Hello from scratch\n");
}

#[tokio::test]
async fn files_on_a_base_run() {
    let Some(stack) = Stack::running() else { return };
    let stage = Stage::new();
    stage.write("html/index.html", "<p>Hello, files</p>\n");
    stage.write("conf/default.conf", "server { listen 127.0.0.1:8098; root /usr/share/nginx/html; }\n");
    let to = format!("{}/runs/nginx:v1", &stack["REGISTRY"]);
    let base = format!("oci:{}:1", stack.image("nginx"));
    let files = ["--files", "html:/usr/share/nginx/html", "--files", "conf:/etc/nginx/conf.d"];
    stage.done(&[&["build-and-push", "--from", &base, "--to", &to], &files[..]].concat()).await;
    let container = Container::start(&stack, &to, &[]);
    assert_eq!(container.page("http://127.0.0.1:8098/"), "<p>Hello, files</p>\n");
}

#[tokio::test]
async fn archive_loads_and_runs() {
    let Some(stack) = Stack::running() else { return };
    let stage = Stage::new();
    stage.write("www/index.html", "Hello from an archive\n");
    let base = format!("{}/base/busybox:1", &stack["REGISTRY"]);
    let words = ["build", "--files", "www:/www", "--from", &base, "--to", "docker-archive:a.tar:example.test/www:v1"];
    stage.done(&[&words[..], &["--entrypoint", "busybox,httpd,-f,-p,127.0.0.1:8097,-h,/www"]].concat()).await;
    run(podman(&stack).args(["load", "--quiet", "--input"]).arg(stage.path("a.tar")));
    let container = Container::start(&stack, "example.test/www:v1", &[]);
    assert_eq!(container.page("http://127.0.0.1:8097/"), "Hello from an archive\n");
}
