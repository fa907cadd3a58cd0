//! Images as task definitions spell them. A part is exchanged without touching how the rest is written:
//! `nginx` does not become `docker.io/library/nginx`.

/// `repository[:tag][@digest]`
#[derive(Debug, PartialEq, Eq)]
pub struct Parts<'a> {
    pub repository: &'a str,
    pub tag: Option<&'a str>,
    pub digest: Option<&'a str>,
}

/// A colon before the last slash belongs to the registry's port.
pub fn take_apart(image: &str) -> Parts<'_> {
    let (name, digest) = match image.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (image, None),
    };
    let last = name.rfind('/').map_or(0, |slash| slash + 1);
    let (repository, tag) = match name[last..].find(':') {
        Some(colon) => (&name[..last + colon], Some(&name[last + colon + 1..])),
        None => (name, None),
    };
    Parts { repository, tag, digest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_ports_tags_and_digests() {
        for (image, repository, tag, digest) in [
            ("nginx", "nginx", None, None),
            ("nginx:1.25", "nginx", Some("1.25"), None),
            ("registry:5000/team/app", "registry:5000/team/app", None, None),
            ("registry:5000/team/app:v1", "registry:5000/team/app", Some("v1"), None),
            ("a.b/c@sha256:12", "a.b/c", None, Some("sha256:12")),
            ("a.b:1/c:v1@sha256:12", "a.b:1/c", Some("v1"), Some("sha256:12")),
        ] {
            assert_eq!(take_apart(image), Parts { repository, tag, digest }, "{image}");
        }
    }
}
