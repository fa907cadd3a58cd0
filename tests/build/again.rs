//! The same input once more: the same image to the last bit, and hardly a word with the registry.

use std::fs;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::{digest, strs, words, workplace, writes};
use crate::support::docker_registry::{program, run};
use crate::support::registry::Registry;
use crate::support::stage::{Stage, jar};

/// Method and path of each request, its digests shortened.
fn asked(registry: &Registry, since: usize) -> Vec<String> {
    let line = |path: &str| path.split("sha256:").next().unwrap_or_default().to_owned();
    registry.log()[since..].iter().map(|entry| format!("{} {}", entry.method, line(&entry.path))).collect()
}

/// What a build upon a base costs when nothing has changed: the greeting, the base's manifest, one look at the tag;
/// without the cache of the first build the base's configuration too. (A base of another registry would cost one
/// more greeting.)
const UNCHANGED: [&str; 4] =
    ["GET /v2/", "GET /v2/base/manifests/1", "GET /v2/base/blobs/", "HEAD /v2/shop/manifests/v1"];

#[tokio::test]
async fn second_push_takes_three_requests_and_sends_nothing() {
    let (stage, registry) = workplace().await;
    let words = words(&registry, "shop:v1");
    let first = stage.document(&strs(&words)).await;
    assert_eq!(first["outcome"], "succeeded");
    let kept: Vec<&str> = UNCHANGED.into_iter().filter(|asked| !asked.contains("/blobs/")).collect();
    for (cache, extra, wanted) in [("the same", None, &kept[..]), ("a lost", Some("--cache-dir=elsewhere"), &UNCHANGED)]
    {
        let (since, mut words) = (registry.log().len(), strs(&words));
        words.extend(extra);
        let again = stage.document(&words).await;
        assert_eq!(asked(&registry, since), wanted, "with {cache} cache");
        assert_eq!((&again["outcome"], digest(&again)), (&json!("nothing-to-do"), digest(&first)), "{cache}");
        assert_eq!(again["sent"], json!({ "blobs": 0, "bytes": 0, "manifests": 0 }));
    }
}

#[tokio::test]
async fn new_tag_of_the_same_image_sends_a_manifest_alone() {
    let (stage, registry) = workplace().await;
    stage.document(&strs(&words(&registry, "shop:v1"))).await;
    let since = writes(&registry).len();
    let both = format!("{0}/shop:v1,{0}/shop:v2", registry.host());
    let second = stage.document(&[&strs(&words(&registry, ""))[..6], &[&both]].concat()).await;
    assert_eq!((second["outcome"].as_str(), &second["sent"]["manifests"]), (Some("succeeded"), &json!(1)));
    let sent = &writes(&registry)[since..];
    assert_eq!(sent.iter().map(|entry| entry.path.as_str()).collect::<Vec<_>>(), ["/v2/shop/manifests/v2"]);
}

#[tokio::test]
async fn changed_file_sends_its_layer_the_configuration_and_the_manifest() {
    let (stage, registry) = workplace().await;
    stage.write("www/index.html", "one");
    let words = [words(&registry, "shop:v1"), vec!["--files".into(), "www:/www".into()]].concat();
    stage.document(&strs(&words)).await;
    stage.write("www/index.html", "two");
    let second = stage.document(&strs(&words)).await;
    assert_eq!((&second["sent"]["blobs"], &second["sent"]["manifests"]), (&json!(2), &json!(1)), "{second}");
}

#[tokio::test]
async fn remembered_layer_is_packed_after_all_for_a_registry_that_lacks_it() {
    let (stage, registry) = workplace().await;
    let first = stage.document(&strs(&words(&registry, "shop:v1"))).await;
    let other = Registry::start().await;
    super::put_base(&other, "base", "1", &Default::default());
    let second = stage.document(&strs(&words(&other, "shop:v1"))).await;
    assert_eq!(digest(&first), digest(&second));
    for layer in second["layers"].as_array().unwrap() {
        let layer = layer["digest"].as_str().unwrap();
        assert_eq!(dockless::image::Digest::of(&other.blob("shop", layer).unwrap()).as_str(), layer);
    }
}

/// A checkout of the same content, made in its own way.
fn checkout(names: &[&str], hours: u64) -> Stage {
    let stage = Stage::new();
    stage.write("app.jar", jar());
    for name in names {
        let path = stage.write(&format!("www/{name}"), name);
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(hours * 3600)).unwrap();
    }
    run(program("chmod").arg("+x").arg(stage.path("www").join("run.sh")));
    stage
}

#[tokio::test]
async fn same_input_gives_the_same_image_on_any_machine() {
    let (_, registry) = workplace().await;
    let mut words = words(&registry, "shop:v1");
    words.extend(["--files", "www:/www", "--output=json", "--cache-dir=cache"].map(str::to_owned));
    let mut made: Vec<Value> = Vec::new();
    let names = ["b.txt", "a/x.txt", "a.txt", "run.sh", "ü.txt"];
    for (names, hours, umask) in [
        (&names[..], 1, "022"),
        (
            &{
                let mut n = names;
                n.reverse();
                n
            },
            400_000,
            "077",
        ),
    ] {
        let stage = checkout(names, hours);
        if umask == "077" {
            run(program("chmod").args(["-R", "go-rwx"]).arg(stage.path("www")));
        }
        let outer = ["sh", "-c", &format!("umask {umask}; exec \"$@\""), "sh"].map(str::to_owned);
        let ended = stage.run_under(Some(&outer.each_ref().map(|word| word.as_str())), &strs(&words)).await;
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        made.push(ended.document());
    }
    assert_eq!(digest(&made[0]), digest(&made[1]));
    assert_eq!(made[1]["outcome"], "nothing-to-do");
}
