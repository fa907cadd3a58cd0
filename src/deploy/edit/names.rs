//! Variables, secrets and labels of containers: what is set, what goes, and what moves from one list to another.

#[cfg(test)]
mod tests;

use super::list::List;
use super::{Editor, What};
use crate::deploy::Error;
use crate::deploy::updates::{Assignment, Kind, Removal, Replacement, Updates};
use crate::nearest::nearest;

impl Editor {
    pub fn names(&mut self, updates: &Updates) -> Result<(), Error> {
        updates.replaced.iter().try_for_each(|replaced| self.clear(replaced, updates.assigned(replaced.kind)))?;
        updates.removed.iter().try_for_each(|removal| self.remove(removal))?;
        for kind in [Kind::Env, Kind::Secrets, Kind::Labels] {
            updates.assigned(kind).iter().try_for_each(|update| self.assign(kind, update))?;
        }
        Ok(())
    }

    /// Takes away what is not assigned anew; what is keeps its place.
    fn clear(&mut self, replaced: &Replacement, assigned: &[Assignment]) -> Result<(), Error> {
        let list = List::of(replaced.kind);
        let stays = |name: &String| assigned.iter().any(|a| a.container == replaced.container && a.name == *name);
        for name in list.names(self.container(replaced.origin, &replaced.container)?) {
            if !stays(&name) {
                let old = list.remove(self.container(replaced.origin, &replaced.container)?, &name);
                self.changed(&replaced.container, what(replaced.kind, &name), old, None);
            }
        }
        Ok(())
    }

    /// What is gone already is no failure, or a second run would be one; but it may be a slip of the pen.
    fn remove(&mut self, removal: &Removal) -> Result<(), Error> {
        let list = List::of(removal.kind);
        let container = self.container(removal.origin, &removal.container)?;
        match list.remove(container, &removal.name) {
            Some(old) => self.changed(&removal.container, what(removal.kind, &removal.name), Some(old), None),
            None => {
                let names = list.names(container);
                let meant = nearest(&removal.name, names.iter().map(String::as_str));
                let meant = meant.map(|name| format!("; did you mean '{name}'?")).unwrap_or_default();
                let what = what(removal.kind, &removal.name);
                self.warnings.push(format!("{}: there is no {what} to remove{meant}", removal.container));
            }
        }
        Ok(())
    }

    fn assign(&mut self, kind: Kind, update: &Assignment) -> Result<(), Error> {
        let container = self.container(update.origin, &update.container)?;
        let own = List::of(kind);
        let old = own
            .set(container, &update.name, &update.value)
            .map_err(|why| Error::Document { what: own.member, why: why.to_owned() })?;
        if let Some(other) = rival(kind) {
            self.give_up(other, own, update)?;
        }
        self.changed(&update.container, what(kind, &update.name), old, Some(update.value.clone()));
        Ok(())
    }

    /// Takes a name out of the other list, as ECS allows it in one of them only.
    fn give_up(&mut self, other: Kind, own: List, update: &Assignment) -> Result<(), Error> {
        let list = List::of(other);
        let moved = list.remove(self.container(update.origin, &update.container)?, &update.name);
        if moved.is_some() {
            self.warnings.push(format!(
                "{}: {} moves from '{}' to '{}', as ECS allows a name in one of them only",
                update.container, update.name, list.member, own.member
            ));
            self.changed(&update.container, what(other, &update.name), moved, None);
        }
        Ok(())
    }
}

fn rival(kind: Kind) -> Option<Kind> {
    match kind {
        Kind::Env => Some(Kind::Secrets),
        Kind::Secrets => Some(Kind::Env),
        Kind::Labels | Kind::Images => None,
    }
}

fn what(kind: Kind, name: &str) -> What {
    let name = name.to_owned();
    match kind {
        Kind::Env => What::Variable(name),
        Kind::Secrets => What::Secret(name),
        Kind::Labels | Kind::Images => What::Label(name),
    }
}
