//! What the machine permits: namespaces, a mount table of one's own, overlays. It is found out by trying, in a
//! child that ends right after, since reading it off versions and capabilities goes wrong in every other sandbox.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::memory::Hierarchy;

/// Each member says whether containers get one of their own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ground {
    /// The others are had by way of a user namespace, since the sandbox does not run as root.
    pub user: bool,
    pub network: bool,
    pub mount: bool,
    pub pid: bool,
    pub names: bool,
    /// Roots are overlays over the image's tree; else copies of it.
    pub overlay: bool,
    /// Without a mount namespace a root is at least changed to.
    pub chroot: bool,
    /// Where their memory is counted and limited.
    pub memory: Option<Hierarchy>,
    /// What was refused, and the kernel's word for it.
    pub refused: Vec<String>,
}

impl Ground {
    /// Containers share the host's network.
    pub fn with_host_network(mut self) -> Self {
        self.network = false;
        self
    }

    /// Some root of its own can be had.
    pub fn can_run(&self) -> bool {
        self.mount || self.chroot
    }

    pub fn reasons(&self) -> String {
        self.refused.join("; ")
    }
}

impl fmt::Display for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spaces = [(self.network, "network"), (self.mount, "mount"), (self.pid, "pid"), (self.names, "uts and ipc")];
        let had: Vec<&str> = spaces.into_iter().filter_map(|(had, name)| had.then_some(name)).collect();
        let spaces = if had.is_empty() { "no namespaces".into() } else { format!("{} namespaces", had.join(", ")) };
        let who = if self.user { "in a user namespace" } else { "as root" };
        let root = match (self.mount, self.overlay) {
            (true, true) => "pivoted to an overlay",
            (true, false) => "pivoted to a copy of the image",
            (false, _) => "chroot to a copy of the image",
        };
        let memory = match &self.memory {
            Some(place) => format!("memory limited by cgroup v{}", if place.unified { 2 } else { 1 }),
            None => "memory not limited".into(),
        };
        write!(f, "{spaces}, {who}; root {root}; {memory}, cpu not limited")?;
        if self.refused.is_empty() { Ok(()) } else { write!(f, " (refused: {})", self.reasons()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ground_says_what_containers_get_and_why_not_more() {
        let full = Ground {
            network: true,
            mount: true,
            pid: true,
            names: true,
            overlay: true,
            chroot: true,
            memory: Some(Hierarchy { unified: true, dir: "/sys/fs/cgroup".into() }),
            ..Ground::default()
        };
        assert_eq!(
            full.to_string(),
            "network, mount, pid, uts and ipc namespaces, as root; root pivoted to an overlay; memory limited by cgroup v2, cpu \
             not limited"
        );
        let bare = Ground { chroot: true, refused: vec!["network: EPERM".into()], ..Ground::default() };
        assert_eq!(
            bare.to_string(),
            "no namespaces, as root; root chroot to a copy of the image; memory not limited, cpu not limited (refused: network: \
             EPERM)"
        );
        assert!(!full.with_host_network().network);
    }
}
