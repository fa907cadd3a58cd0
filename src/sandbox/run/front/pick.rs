//! Which target gets a request: groups by their share of the traffic, the targets of a group in turn.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::sandbox::run::network::Network;

/// A task that may serve.
#[derive(Clone)]
pub struct Target {
    pub task: String,
    pub port: u16,
    pub network: Arc<Network>,
    /// Requests that it is at.
    pub busy: Arc<AtomicUsize>,
    pub healthy: bool,
}

/// The targets that share a part of the traffic.
#[derive(Clone)]
pub struct Group {
    /// Percent.
    pub share: u32,
    pub targets: Vec<Target>,
}

/// A target in use: its task does not stop while this is held.
pub struct Use {
    pub target: Target,
}

impl Drop for Use {
    fn drop(&mut self) {
        self.target.busy.fetch_sub(1, Ordering::SeqCst);
    }
}

#[derive(Default)]
pub struct Table(Mutex<State>);

#[derive(Default)]
struct State {
    groups: Vec<Group>,
    /// How far each group is behind its share.
    credit: Vec<i64>,
    turn: usize,
}

impl Table {
    /// From here on nobody is sent to a target that is not listed.
    pub fn set(&self, groups: Vec<Group>) {
        let mut state = self.0.lock().expect("table lock");
        if state.credit.len() != groups.len() {
            state.credit = vec![0; groups.len()];
        }
        state.groups = groups;
    }

    /// The next target that was not tried yet. If none is healthy the unhealthy ones are asked, as load balancers
    /// of AWS do ("fail open").
    pub fn pick(&self, tried: &[String]) -> Option<Use> {
        let mut state = self.0.lock().expect("table lock");
        let target = state.pick(tried, true).or_else(|| state.pick(tried, false))?;
        target.busy.fetch_add(1, Ordering::SeqCst);
        Some(Use { target })
    }
}

impl State {
    fn pick(&mut self, tried: &[String], healthy: bool) -> Option<Target> {
        let fit = |target: &&Target| target.healthy >= healthy && !tried.contains(&target.task);
        let able = |group: &Group| group.share > 0 && group.targets.iter().any(|target| fit(&target));
        let able: Vec<usize> = (0..self.groups.len()).filter(|at| able(&self.groups[*at])).collect();
        let total: u32 = able.iter().map(|at| self.groups[*at].share).sum();
        able.iter().for_each(|at| self.credit[*at] += i64::from(self.groups[*at].share));
        let chosen = able.into_iter().max_by_key(|at| self.credit[*at])?;
        self.credit[chosen] -= i64::from(total);
        self.turn = self.turn.wrapping_add(1);
        let fitting: Vec<&Target> = self.groups[chosen].targets.iter().filter(fit).collect();
        fitting.get(self.turn % fitting.len()).map(|target| (*target).clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn target(task: &str, healthy: bool) -> Target {
        let network = Arc::new(Network::of_host());
        Target { task: task.into(), port: 80, network, busy: Arc::default(), healthy }
    }

    fn group(share: u32, targets: &[(&str, bool)]) -> Group {
        Group { share, targets: targets.iter().map(|(task, healthy)| target(task, *healthy)).collect() }
    }

    fn served(table: &Table, requests: usize) -> BTreeMap<String, usize> {
        let mut served = BTreeMap::new();
        (0..requests).for_each(|_| *served.entry(table.pick(&[]).unwrap().target.task.clone()).or_default() += 1);
        served
    }

    #[test]
    fn healthy_targets_take_turns() {
        let table = Table::default();
        table.set(vec![group(100, &[("a", true), ("b", false), ("c", true)])]);
        assert_eq!(served(&table, 10), BTreeMap::from([("a".into(), 5), ("c".into(), 5)]));
    }

    #[test]
    fn groups_get_their_shares() {
        let table = Table::default();
        table.set(vec![group(90, &[("blue", true)]), group(10, &[("green", true)]), group(0, &[("none", true)])]);
        assert_eq!(served(&table, 100), BTreeMap::from([("blue".into(), 90), ("green".into(), 10)]));
    }

    #[test]
    fn unhealthy_targets_serve_if_there_are_no_others() {
        let table = Table::default();
        table.set(vec![group(100, &[("a", false)])]);
        assert_eq!(table.pick(&[]).unwrap().target.task, "a");
        assert!(table.pick(&["a".into()]).is_none());
    }

    #[test]
    fn target_in_use_counts_as_busy_until_it_is_let_go() {
        let table = Table::default();
        let target = target("a", true);
        let busy = target.busy.clone();
        table.set(vec![Group { share: 100, targets: vec![target] }]);
        let one = table.pick(&[]);
        assert_eq!(busy.load(Ordering::SeqCst), 1);
        drop(one);
        assert_eq!(busy.load(Ordering::SeqCst), 0);
    }
}
