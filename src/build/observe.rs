//! The reads of a build: what the inputs are, and what lies below them. Ends with everything that can be refused
//! by looking, refused.

use std::sync::Arc;

use super::{Base, Error, From, Inputs, Packer, Request, base};
use crate::image::Platform;
use crate::registry::Client;
use crate::report::Events;
use crate::source::{Application, binary, files, jar};

/// What there is to build from.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub application: Application,
    pub base: Base,
}

/// Reads the inputs and the base image's documents. The layers' bytes are read later.
pub async fn observe(request: &Request, client: &Client, packer: &Packer) -> Result<Snapshot, Error> {
    let events = &packer.events;
    let inputs = Arc::new(request.inputs.clone());
    let application = tokio::task::spawn_blocking(move || read(&inputs)).await.expect("reading does not panic")?;
    for warning in &application.warnings {
        events.warn(&warning.text, warning.hint.clone());
    }
    let from = match &request.from {
        Some(from) => from.clone(),
        None => default_base(&request.inputs, &application)?,
    };
    let base = base::read(&from, request.platform.as_ref(), client, packer).await?;
    check(&application, &base, &request.inputs, &from, events)?;
    Ok(Snapshot { application, base })
}

/// The jar or binary first, the files on top of it.
fn read(inputs: &Inputs) -> Result<Application, Error> {
    let mut application = match (&inputs.jar, &inputs.binary) {
        (Some((path, options)), _) => jar::read(path, options)?,
        (None, Some((path, options))) => binary::read(path, options)?,
        (None, None) if inputs.files.is_empty() => return Err(Error::NoInput),
        (None, None) => Application::default(),
    };
    let extra = files::read(&inputs.files, &inputs.ownership)?;
    application.layers.extend(extra.layers);
    application.warnings.extend(extra.warnings);
    Ok(application)
}

/// Temurin's runtime of the first long-term release that runs the classes, from the registry that Amazon keeps of
/// Docker's official images: no login and no pull limit to speak of. A program on its own needs no base.
fn default_base(inputs: &Inputs, application: &Application) -> Result<From, Error> {
    if inputs.jar.is_some() {
        let needed = application.java_version.unwrap_or(8);
        let release = [8, 11, 17, 21].into_iter().find(|release| needed <= *release).unwrap_or(25);
        let name = format!("public.ecr.aws/docker/library/eclipse-temurin:{release}-jre");
        return Ok(From::Registry(name.parse()?));
    }
    if inputs.binary.is_some() { Ok(From::Scratch) } else { Err(Error::NoBase) }
}

fn check(application: &Application, base: &Base, inputs: &Inputs, from: &From, events: &Events) -> Result<(), Error> {
    let platform: Platform = base.config.platform();
    let binary = inputs.binary.as_ref().map(|(path, _)| path.display().to_string()).unwrap_or_default();
    if let Some(needs) = application.needs.platform.as_ref().filter(|needs| !needs.accepts(&platform)) {
        return Err(Error::BinaryPlatform { binary, needs: needs.to_string(), image: platform.to_string() });
    }
    if let (Some(interpreter), From::Scratch, true) = (&application.needs.interpreter, from, inputs.files.is_empty()) {
        return Err(Error::BinaryInterpreter { binary, interpreter: interpreter.clone() });
    }
    if let (Some(needed), Some(offered)) = (application.java_version, base.java_version())
        && offered < needed
    {
        let text = format!("the classes are for Java {needed}, and {} has Java {offered}", base.name);
        events.warn(text, Some("Choose a base with a newer Java, or compile for the older release.".into()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn default_for(java_version: Option<u32>) -> String {
        let inputs = Inputs { jar: Some(("a.jar".into(), jar::Options::default())), ..Inputs::default() };
        match default_base(&inputs, &Application { java_version, ..Application::default() }) {
            Ok(From::Registry(reference)) => reference.tag.unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn default_base_runs_the_classes() {
        assert_eq!(default_for(None), "8-jre");
        assert_eq!(default_for(Some(17)), "17-jre");
        assert_eq!(default_for(Some(18)), "21-jre");
        assert_eq!(default_for(Some(24)), "25-jre");
    }

    #[test]
    fn default_base_of_files_is_not_guessed() {
        assert!(matches!(default_base(&Inputs::default(), &Application::default()), Err(Error::NoBase)));
    }
}
