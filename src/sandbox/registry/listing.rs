//! Lists: tags and repositories in pages, and what refers to an image.

use std::collections::HashMap;

use hyper::header::{HeaderValue, LINK};
use serde_json::{Value, json};

use super::Visit;
use super::problem::Problem;
use crate::image::{Digest, media_type};
use crate::sandbox::server::{Reply, bytes, json as reply};

/// ECR refuses to list more at once.
const LARGEST_PAGE: usize = 1000;

impl Visit<'_> {
    pub(super) fn query(&self) -> HashMap<String, String> {
        let query = self.parts.uri.query().unwrap_or_default();
        url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    }

    pub(super) fn tags(&self) -> Result<Reply, Problem> {
        let names: Vec<String> = {
            let store = self.site.store();
            let repository = store.catalog().repositories.get(self.repository).ok_or_else(|| self.no_repository())?;
            repository.tags.keys().cloned().collect()
        };
        let (page, next) = self.page(names)?;
        let mut list = reply(200, &json!({ "name": self.repository, "tags": page }));
        self.link(&mut list, next, &format!("/v2/{}/tags/list", self.repository));
        Ok(list)
    }

    pub(super) fn catalog(&self) -> Result<Reply, Problem> {
        let names = self.site.store().catalog().repositories.keys().cloned().collect();
        let (page, next) = self.page(names)?;
        let mut list = reply(200, &json!({ "repositories": page }));
        self.link(&mut list, next, "/v2/_catalog");
        Ok(list)
    }

    /// The names after `last`, at most `n`, and the last of them if there are more.
    fn page(&self, names: Vec<String>) -> Result<(Vec<String>, Option<String>), Problem> {
        let query = self.query();
        let unsound = |why: String| Problem::new(400, "PAGINATION_NUMBER_INVALID", why);
        let size = match query.get("n") {
            Some(text) => text.parse::<usize>().map_err(|_| unsound(format!("n={text} is not a number")))?,
            None => LARGEST_PAGE,
        };
        if self.ecr && size > LARGEST_PAGE {
            let rule =
                "Invalid parameter at 'maxResults' failed to satisfy constraint: 'must be less than or equal to 1000'";
            return Err(unsound(rule.into()));
        }
        let last = query.get("last").map_or("", String::as_str);
        let mut rest: Vec<String> = names.into_iter().filter(|name| name.as_str() > last).collect();
        let more = rest.len() > size;
        rest.truncate(size);
        let next = rest.last().filter(|_| more).cloned();
        Ok((rest, next))
    }

    fn link(&self, list: &mut Reply, next: Option<String>, path: &str) {
        let Some(next) = next else { return };
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("last", &next);
        if let Some(size) = self.query().get("n") {
            query.append_pair("n", size);
        }
        let link = format!(r#"<{path}?{}>; rel="next""#, query.finish());
        list.headers_mut().insert(LINK, HeaderValue::from_str(&link).expect("an encoded query is a header"));
    }

    pub(super) fn referrers(&self, text: &str) -> Result<Reply, Problem> {
        let subject: Digest = text.parse().map_err(|_| Problem::digest(text))?;
        let filter = self.query().remove("artifactType");
        let store = self.site.store();
        let repository = store.catalog().repositories.get(self.repository);
        // The specification knows no 404 here: what is not there has no referrers.
        if repository.is_none() && self.ecr {
            return Err(self.no_repository());
        }
        let images = repository.into_iter().flat_map(|repository| &repository.images);
        let referring = images.filter(|(_, image)| image.subject.as_ref() == Some(&subject));
        let wanted = |kind: Option<&str>| filter.as_deref().is_none_or(|filter| kind == Some(filter));
        let manifests: Vec<Value> = referring
            .filter(|(_, image)| wanted(image.referrer_type()))
            .map(|(digest, image)| {
                let mut descriptor = json!({ "mediaType": image.media_type, "digest": digest, "size": image.size });
                if let Some(kind) = image.referrer_type() {
                    descriptor["artifactType"] = json!(kind);
                }
                if let Some(annotations) = &image.annotations {
                    descriptor["annotations"] = json!(annotations);
                }
                descriptor
            })
            .collect();
        let index = json!({ "schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": manifests });
        let mut list = bytes(200, media_type::OCI_INDEX, index.to_string());
        if filter.is_some() {
            list.headers_mut().insert("oci-filters-applied", HeaderValue::from_static("artifactType"));
        }
        Ok(list)
    }
}
