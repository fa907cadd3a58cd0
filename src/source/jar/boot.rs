//! Spring Boot jars, 2 and 3 alike. Laid out, the directory has the structure of the jar, and the jar's own
//! launcher runs from it: which one, the manifest says (it moved to another package in 3.2). Layers are those of
//! the jar's `layers.idx`, else Jib's five. What neither of them names (a `classpath.idx` that decides the order
//! of the class path, files at the root) goes into the top layer.

use super::super::place::Root;
use super::super::{Error, Warning};
use super::archive::{Archive, Member};
use super::layers_index::{LayersIndex, Malformed};
use super::manifest::Manifest;
use super::{LayerSpec, Layout, is_snapshot, launch, layer_of, whole};

/// The launchers since 3.2 and before.
const LAUNCHERS: [&str; 2] =
    ["org.springframework.boot.loader.launch.JarLauncher", "org.springframework.boot.loader.JarLauncher"];
const WITHOUT_INDEX: [&str; 5] =
    ["dependencies", "spring-boot-loader", "snapshot dependencies", "resources", "classes"];

/// Where things are in the jar: Spring Boot's attributes in the manifest say so, or its conventions.
pub(super) struct Boot {
    classes: String,
    lib: String,
    index: String,
}

impl Boot {
    pub fn find(jar: &Archive, manifest: &Manifest) -> Option<Boot> {
        let folder = |attribute, otherwise: &str| {
            let folder = manifest.get(attribute).unwrap_or(otherwise).trim_matches('/');
            format!("{folder}/")
        };
        let boot = Boot {
            classes: folder("Spring-Boot-Classes", "BOOT-INF/classes"),
            lib: folder("Spring-Boot-Lib", "BOOT-INF/lib"),
            index: manifest.get("Spring-Boot-Layers-Index").unwrap_or("BOOT-INF/layers.idx").into(),
        };
        let present = ["BOOT-INF/", &boot.classes, &boot.lib].iter().any(|folder| jar.has_prefix(folder));
        present.then_some(boot)
    }

    /// The classes whose version decides: the application's, and the launcher that starts them. The launcher's
    /// neighbours are left out, since they may be for other ways to start.
    pub fn own_classes<'a>(&self, jar: &'a Archive, manifest: &Manifest) -> impl Iterator<Item = &'a Member> {
        let launcher = launcher(jar, manifest).map(|class| file_of(&class));
        jar.members
            .iter()
            .filter(move |member| member.name.starts_with(&self.classes) || Some(&member.name) == launcher.as_ref())
    }

    pub fn exploded(
        &self,
        jar: &Archive,
        manifest: &Manifest,
        root: &Root,
        warnings: &mut Vec<Warning>,
    ) -> Result<Layout, Error> {
        jar.check_layout()?;
        launch::warn(manifest, false, warnings);
        let layers = match self.index(jar, manifest, warnings)? {
            Some(index) => self.indexed(jar, root, &index),
            None => self.by_folder(jar, root),
        };
        let [_, usual] = LAUNCHERS;
        let (main, doubt) = match launcher(jar, manifest) {
            Some(main) => (main, None),
            None => (
                usual.into(),
                Some(doubt(format!("neither a Main-Class nor a launcher; the image will start {usual}"))),
            ),
        };
        Ok(Layout { layers, command: Some(vec!["-cp".into(), root.absolute(), main]), doubt })
    }

    fn index(
        &self,
        jar: &Archive,
        manifest: &Manifest,
        warnings: &mut Vec<Warning>,
    ) -> Result<Option<LayersIndex>, Error> {
        let Some(bytes) = jar.document(&self.index)? else {
            if manifest.get("Spring-Boot-Layers-Index").is_some() {
                let text = format!("{} is in the manifest but not in the jar; layers go by folder", self.index);
                warnings.push(Warning::new(text, "Build the jar again with Spring Boot's plugin."));
            }
            return Ok(None);
        };
        let refuse = |Malformed { line, why }| {
            let (jar, index) = (jar.path.clone(), self.index.clone());
            Error::LayersIndex { jar, index, line, why }
        };
        let text = std::str::from_utf8(&bytes).map_err(|_| refuse(Malformed { line: 1, why: "not UTF-8" }))?;
        let index = LayersIndex::parse(text).map_err(refuse)?;
        Ok(Some(index).filter(|index| index.names().next().is_some()))
    }

    /// An index that does not list itself stays out: it is a note for builders, not for the application.
    fn indexed(&self, jar: &Archive, root: &Root, index: &LayersIndex) -> Vec<LayerSpec> {
        let names: Vec<&str> = index.names().collect();
        let listed = |member: &&Member| member.name != self.index || index.position(&member.name).is_some();
        let members = jar.members.iter().filter(listed);
        spread(jar, root, &names, members.map(|member| (index.position(&member.name), member)))
    }

    fn by_folder(&self, jar: &Archive, root: &Root) -> Vec<LayerSpec> {
        let position = |name: &str| match () {
            _ if name.starts_with(&self.lib) && is_snapshot(&name[self.lib.len()..]) => Some(2),
            _ if name.starts_with(&self.lib) => Some(0),
            _ if name.starts_with("org/") => Some(1),
            _ if name.starts_with(&self.classes) && name.ends_with(".class") => Some(4),
            _ if name.starts_with(&self.classes) || name.starts_with("META-INF/") => Some(3),
            _ => None,
        };
        spread(jar, root, &WITHOUT_INDEX, jar.members.iter().map(|member| (position(&member.name), member)))
    }
}

pub(super) fn packaged(jar: &Archive, manifest: &Manifest, root: &Root) -> Result<Layout, Error> {
    let (layer, command) = whole(jar, root)?;
    let lacking = manifest.get("Main-Class").is_none();
    let doubt = lacking.then(|| doubt("no Main-Class in its manifest; 'java -jar' will refuse it"));
    Ok(Layout { layers: vec![layer], command: Some(command), doubt })
}

/// One layer per name; members without a position go into the last.
fn spread<'a>(
    jar: &Archive,
    root: &Root,
    names: &[&str],
    members: impl Iterator<Item = (Option<usize>, &'a Member)>,
) -> Vec<LayerSpec> {
    let mut layers: Vec<Vec<&Member>> = vec![Vec::new(); names.len()];
    members.for_each(|(position, member)| layers[position.unwrap_or(names.len() - 1)].push(member));
    let layers = names.iter().zip(layers);
    layers.map(|(name, members)| layer_of(jar, root, name, "", members.into_iter())).collect()
}

/// What the manifest names, else the launcher that is in the jar.
fn launcher(jar: &Archive, manifest: &Manifest) -> Option<String> {
    let present = |class: &&str| jar.find(&file_of(class)).is_some();
    manifest.get("Main-Class").or_else(|| LAUNCHERS.into_iter().find(present)).map(Into::into)
}

fn doubt(lacks: impl std::fmt::Display) -> Warning {
    let cure = "Have Spring Boot's plugin repackage the jar (Maven: goal repackage; Gradle: task bootJar).";
    Warning::new(format!("the jar has {lacks}"), cure)
}

fn file_of(class: &str) -> String {
    format!("{}.class", class.replace('.', "/"))
}
