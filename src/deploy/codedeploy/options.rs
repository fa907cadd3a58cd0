//! What may be said of a deployment by CodeDeploy. All of it can be found out, or has a default of CodeDeploy's own.

/// Nothing means: find out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    pub application: Option<String>,
    pub group: Option<String>,
    /// Behind the load balancer.
    pub container: Option<String>,
    pub port: Option<u16>,
    /// Where the new tasks are placed; nothing means where the old ones are.
    pub provider: Option<Provider>,
    /// How the traffic goes over, e.g. `CodeDeployDefault.ECSCanary10Percent5Minutes`; nothing means the group's.
    pub config: Option<String>,
    /// CodeDeploy is to go back by itself if the deployment fails.
    pub go_back: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    pub name: String,
    pub base: u32,
    pub weight: u32,
}
