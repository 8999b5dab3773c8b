//! Where one can be: tabs of a job's page, views of the cluster, and the contexts that keys are looked for in.

/// A tab.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the tabs by name")]
pub enum Tab {
    #[default]
    Overview,
    Configuration,
    Workers,
    Logs,
    Events,
    Metrics,
    Queue,
}

impl Tab {
    /// All, in order.
    pub const ALL: [Self; 7] =
        [Self::Overview, Self::Configuration, Self::Workers, Self::Logs, Self::Events, Self::Metrics, Self::Queue];

    /// Its number, which is its key.
    pub const fn number(self) -> u8 {
        match self {
            Self::Overview => 1,
            Self::Configuration => 2,
            Self::Workers => 3,
            Self::Logs => 4,
            Self::Events => 5,
            Self::Metrics => 6,
            Self::Queue => 7,
        }
    }

    /// Its heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Configuration => "Configuration",
            Self::Workers => "Workers",
            Self::Logs => "Logs",
            Self::Events => "Events",
            Self::Metrics => "Metrics",
            Self::Queue => "Queue",
        }
    }

    /// Its heading where there is little room.
    pub const fn short(self) -> &'static str {
        match self {
            Self::Configuration => "Config",
            other => other.title(),
        }
    }

    /// Where its own commands apply.
    pub const fn context(self) -> Context {
        match self {
            Self::Overview => Context::Overview,
            Self::Configuration => Context::Configuration,
            Self::Workers => Context::Workers,
            Self::Logs => Context::Logs,
            Self::Events => Context::Events,
            Self::Metrics => Context::Metrics,
            Self::Queue => Context::Queue,
        }
    }
}

/// Where a command applies. A key is looked for in the most specific context first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Context {
    /// Everywhere but in prompts and pickers.
    Any,
    /// The job list.
    List,
    /// Every tab of the job page.
    Page,
    /// Tab Overview.
    Overview,
    /// Tab Configuration.
    Configuration,
    /// Tab Workers.
    Workers,
    /// Tab Logs.
    Logs,
    /// Tab Events.
    Events,
    /// Tab Metrics.
    Metrics,
    /// Tab Queue.
    Queue,
    /// The cluster views.
    Cluster,
    /// Runs side by side.
    Compare,
    /// Help, messages and other text shown on top.
    Text,
    /// A draft, however it is shown.
    Draft,
    /// The text of a draft.
    Editor,
    /// The form of a draft.
    Form,
    /// The last page before a draft is sent.
    Send,
    /// Suggestions for a failed job.
    Fixes,
    /// The last page of an edit of a living job.
    Review,
}

impl Context {
    /// Every context, as help lists them.
    pub const ALL: [Self; 19] = [
        Self::Any,
        Self::List,
        Self::Page,
        Self::Overview,
        Self::Configuration,
        Self::Workers,
        Self::Logs,
        Self::Events,
        Self::Metrics,
        Self::Queue,
        Self::Cluster,
        Self::Compare,
        Self::Text,
        Self::Draft,
        Self::Editor,
        Self::Form,
        Self::Send,
        Self::Fixes,
        Self::Review,
    ];

    /// Its section in keymap files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::List => "list",
            Self::Page => "page",
            Self::Overview => "overview",
            Self::Configuration => "configuration",
            Self::Workers => "workers",
            Self::Logs => "logs",
            Self::Events => "events",
            Self::Metrics => "metrics",
            Self::Queue => "queue",
            Self::Cluster => "cluster",
            Self::Compare => "compare",
            Self::Text => "text",
            Self::Draft => "draft",
            Self::Editor => "editor",
            Self::Form => "form",
            Self::Send => "send",
            Self::Fixes => "fixes",
            Self::Review => "review",
        }
    }

    /// Its heading in help.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Any => "Everywhere",
            Self::List => "Job list",
            Self::Page => "Job page",
            Self::Overview => "Job page: Overview",
            Self::Configuration => "Job page: Configuration",
            Self::Workers => "Job page: Workers",
            Self::Logs => "Job page: Logs",
            Self::Events => "Job page: Events",
            Self::Metrics => "Job page: Metrics",
            Self::Queue => "Job page: Queue",
            Self::Cluster => "Cluster views",
            Self::Compare => "Comparison of jobs",
            Self::Text => "Help and other texts",
            Self::Draft => "Draft",
            Self::Editor => "Draft: YAML",
            Self::Form => "Draft: form",
            Self::Send => "Draft: send",
            Self::Fixes => "Draft: suggestions",
            Self::Review => "Edit of a job: last page",
        }
    }

    /// The context of a section name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|context| context.name() == name)
    }
}

/// A view of the cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the views by name")]
pub enum ClusterView {
    #[default]
    Overview,
    Nodes,
    Namespaces,
    Queues,
    Users,
}

impl ClusterView {
    /// All, in order.
    pub const ALL: [Self; 5] = [Self::Overview, Self::Nodes, Self::Namespaces, Self::Queues, Self::Users];

    /// Its heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Nodes => "Nodes",
            Self::Namespaces => "Namespaces",
            Self::Queues => "Queues",
            Self::Users => "Users",
        }
    }
}
