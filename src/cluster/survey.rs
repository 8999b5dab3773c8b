//! What a cluster has and who holds it, read once in a while for whoever looks: nodes, pods, quotas, queues.
//!
//! Owns these lists: paged, slim, the whole cluster first and the namespaces in scope where that is refused. It never
//! fails: each part says what of it could not be read. How often it is read is the caller's.

use std::collections::BTreeSet;

use futures::{future::join, join};

use super::{
    discovery::Offer,
    pages::Pages,
    paths::Resource,
    problem::{Problem, ProblemKind},
    session::{JSON, Session},
    wire::slim::{Slim, SlimPage},
};
use crate::jobs::{
    capacity::{HeldPod, NodeRow, QuotaRow, SharedQuotaRow, SpaceRow},
    gang::GangRow,
    part::Part,
    queue::{Queues, WaitingRow},
    text::{Clean, Name, Sym},
};

/// Objects a page.
const PAGE: &str = "250";
/// Who is over holds nothing.
const ALIVE: (&str, &str) = ("fieldSelector", "status.phase!=Succeeded,status.phase!=Failed");
/// Pods that the fleet does not watch.
const OTHERS: (&str, &str) = ("labelSelector", "!training.kubeflow.org/job-name,!jobset.sigs.k8s.io/jobset-name");
const KUEUE: &str = "kueue.x-k8s.io";

/// Which pods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pods {
    /// None.
    #[default]
    None,
    /// Those that belong to no training job: the fleet has the others.
    Others,
    /// All.
    All,
}

/// The queue of a waiting list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// The `ClusterQueue` of this `LocalQueue` (namespace and name), else that itself.
    Local(Name, Name),
    /// This `ClusterQueue`.
    Cluster(Name),
}

/// What is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Nodes.
    pub nodes: bool,
    /// Pods that hold something.
    pub pods: Pods,
    /// `ResourceQuota`s.
    pub quotas: bool,
    /// Namespaces, with who asked for them.
    pub spaces: bool,
    /// Queues, cohorts, flavors and Workloads.
    pub queues: bool,
    /// Of these only what has quota: queues and cohorts.
    pub rooms: bool,
    /// Who waits in a queue, as Kueue itself says.
    pub line: Option<Line>,
    /// `PodGroup`s of this namespace.
    pub gangs: Option<Name>,
    /// How busy accelerators are, which is read from a source of numbers beside this.
    pub work: bool,
    /// Where to look when the whole cluster may not be read.
    pub namespaces: Vec<Name>,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Survey {
    /// Nodes.
    pub nodes: Part<NodeRow>,
    /// Pods that hold something.
    pub pods: Part<HeldPod>,
    /// `ResourceQuota`s.
    pub quotas: Part<QuotaRow>,
    /// Namespaces.
    pub spaces: Part<SpaceRow>,
    /// Queues.
    pub queues: Queues,
    /// Who waits in the queue that was asked for.
    pub line: Part<WaitingRow>,
    /// `PodGroup`s.
    pub gangs: Part<GangRow>,
}

impl Survey {
    /// Keeps what was read before where nothing of it could be read now.
    #[must_use]
    pub fn over(mut self, before: Self) -> Self {
        keep(&mut self.nodes, before.nodes);
        keep(&mut self.pods, before.pods);
        keep(&mut self.quotas, before.quotas);
        keep(&mut self.spaces, before.spaces);
        keep(&mut self.queues.clusters, before.queues.clusters);
        keep(&mut self.queues.cohorts, before.queues.cohorts);
        keep(&mut self.queues.locals, before.queues.locals);
        keep(&mut self.queues.flavors, before.queues.flavors);
        keep(&mut self.queues.loads, before.queues.loads);
        keep(&mut self.line, before.line);
        keep(&mut self.gangs, before.gangs);
        self
    }
}

fn keep<T>(part: &mut Part<T>, before: Part<T>) {
    if part.rows.is_empty() && part.unread.is_some() {
        part.rows = before.rows;
    }
}

/// Reads the same again and again; remembers what the whole cluster was refused for.
#[derive(Debug, Default)]
pub struct Surveyor {
    refused: BTreeSet<String>,
}

impl Surveyor {
    /// Reads once.
    pub async fn read(&mut self, session: &Session, offer: &Offer, wanted: &Wanted) -> Survey {
        let known = Known { session, offer, wanted, refused: &self.refused };
        let kinds = wanted.queues || wanted.line.is_some();
        // Boxed: five lists being read are large together.
        let lists = Box::pin(async {
            join!(
                known.cluster(wanted.nodes, Resource::core("nodes")),
                known.pods(),
                known.quotas(),
                known.cluster(wanted.spaces, Resource::core("namespaces")),
                known.queues(kinds || wanted.rooms, kinds),
            )
        });
        let (nodes, pods, quotas, spaces, queues) = lists.await;
        let (line, gangs) = join!(known.line(&queues.0), known.gangs());
        let refused = [pods.1].into_iter().chain(quotas.1).chain(queues.1).flatten();
        self.refused.extend(refused);
        Survey { nodes, pods: pods.0, quotas: quotas.0, spaces, queues: queues.0, line, gangs }
    }
}

struct Known<'a> {
    session: &'a Session,
    offer: &'a Offer,
    wanted: &'a Wanted,
    refused: &'a BTreeSet<String>,
}

/// What was read, and the list that the whole cluster was refused for.
type Seen<R> = (Part<R>, Option<String>);

impl Known<'_> {
    /// Objects that are in no namespace.
    async fn cluster<R: Slim>(&self, wanted: bool, resource: Resource) -> Part<R> {
        if !wanted {
            return Part::default();
        }
        match self.all(&resource, None, &[]).await {
            Ok(rows) => Part::whole(rows),
            Err(problem) => Part::unread(words(&problem)),
        }
    }

    /// Objects of all namespaces, else of those in scope.
    async fn everywhere<R: Slim>(&self, wanted: bool, resource: Resource, query: &[(&str, &str)]) -> Seen<R> {
        let as_it_is = |row, _: &Name| row;
        if wanted { self.whole_or_seen((&resource, &resource), query, as_it_is).await } else { Default::default() }
    }

    /// Objects of the whole cluster, else those that each namespace in scope sees; `of` makes them that one's.
    async fn whole_or_seen<R: Slim>(
        &self,
        (whole, seen): (&Resource, &Resource),
        query: &[(&str, &str)],
        of: impl Fn(R, &Name) -> R,
    ) -> Seen<R> {
        let title = whole.title();
        let ask = Clean::new(&format!("list {title} in all namespaces"));
        if !self.refused.contains(&title) {
            match self.all(whole, None, query).await {
                Ok(rows) => return (Part::whole(rows), None),
                Err(problem) if problem.kind == ProblemKind::Forbidden => {}
                Err(problem) => return (Part::unread(words(&problem)), None),
            }
        }
        let mut part = Part { rows: Vec::new(), unread: Some(ask) };
        for namespace in &self.wanted.namespaces {
            match self.all(seen, Some(namespace), query).await {
                Ok(rows) => part.rows.extend(rows.into_iter().map(|row| of(row, namespace))),
                Err(problem) => part.unread = Some(words(&problem)),
            }
        }
        (part, Some(title))
    }

    async fn pods(&self) -> Seen<HeldPod> {
        let query: &[_] = if self.wanted.pods == Pods::Others { &[ALIVE, OTHERS] } else { &[ALIVE] };
        self.everywhere(self.wanted.pods != Pods::None, Resource::core("pods"), query).await
    }

    /// Those of namespaces, and OpenShift's that several share: all of these, else as the namespaces in scope see them.
    async fn quotas(&self) -> (Part<QuotaRow>, [Option<String>; 2]) {
        let own = self.everywhere(self.wanted.quotas, Resource::core("resourcequotas"), &[]);
        let of = |plural: &str| Resource::new("quota.openshift.io", "v1", plural);
        let (whole, seen) = (of("clusterresourcequotas"), of("appliedclusterresourcequotas"));
        let shared = async {
            let wanted = self.wanted.quotas && self.offer.shared_quotas;
            let of = |row: SharedQuotaRow, namespace: &Name| row.seen_in(Sym::new(namespace.as_str()));
            if wanted { self.whole_or_seen((&whole, &seen), &[], of).await } else { Default::default() }
        };
        let ((mut all, refused), (shared, refused_too)) = join!(own, shared);
        all.rows.extend(shared.rows.iter().flat_map(SharedQuotaRow::of_each));
        all.unread = all.unread.or(shared.unread);
        (all, [refused, refused_too])
    }

    /// `all`: flavors and Workloads, too.
    async fn queues(&self, wanted: bool, all: bool) -> (Queues, [Option<String>; 2]) {
        let Some(version) = self.offer.kueue.as_ref().filter(|_| wanted) else { return Default::default() };
        let of = |plural: &str| Resource::new(KUEUE, version.as_str(), plural);
        let (clusters, cohorts, flavors) = (of("clusterqueues"), of("cohorts"), of("resourceflavors"));
        let (locals, loads) = (of("localqueues"), of("workloads"));
        let (clusters, cohorts, flavors, (locals, loads)) = join!(
            self.cluster(true, clusters),
            self.cluster(self.offer.resource(KUEUE, "Cohort").is_some(), cohorts),
            self.cluster(all, flavors),
            join(self.everywhere(true, locals, &[]), self.everywhere(all, loads, &[])),
        );
        (Queues { clusters, cohorts, flavors, locals: locals.0, loads: loads.0 }, [locals.1, loads.1])
    }

    /// Kueue's own order: of the whole `ClusterQueue`, else of the `LocalQueue`. Where nobody serves it, nothing is missing.
    async fn line(&self, queues: &Queues) -> Part<WaitingRow> {
        let (Some(line), Some(version)) = (&self.wanted.line, self.offer.visibility()) else {
            return Part::default();
        };
        let of = |plural: &str| Resource::new("visibility.kueue.x-k8s.io", version.as_str(), plural);
        let end = "/pendingworkloads?limit=1000";
        let cluster = match line {
            Line::Local(namespace, name) => {
                queues.local(namespace.as_str(), name.as_str()).map(|local| local.cluster_queue.to_string())
            }
            Line::Cluster(name) => Some(name.to_string()),
        };
        let mut refused = None;
        if let Some(queue) = cluster {
            let path = format!("{}{end}", of("clusterqueues").one(None, &queue));
            match self.short(&path, "read who waits in a ClusterQueue").await {
                Ok(rows) => return Part::whole(rows),
                Err(problem) => refused = Some(words(&problem)),
            }
        }
        let Line::Local(namespace, name) = line else { return Part { rows: Vec::new(), unread: refused } };
        let path = format!("{}{end}", of("localqueues").one(Some(namespace), name.as_str()));
        match self.short(&path, "read who waits in a LocalQueue").await {
            Ok(rows) => Part::whole(rows),
            Err(problem) => Part::unread(words(&problem)),
        }
    }

    /// Where no gang scheduler is installed, nothing is missing.
    async fn gangs(&self) -> Part<GangRow> {
        let mut all = Part::default();
        let Some(namespace) = &self.wanted.gangs else { return all };
        for (group, version) in &self.offer.pod_groups {
            let resource = Resource::new(group.as_str(), version.as_str(), "podgroups");
            match self.all::<GangRow>(&resource, Some(namespace), &[]).await {
                Ok(rows) => {
                    all.rows.extend(rows.into_iter().map(|row| GangRow { group: Sym::new(group.as_str()), ..row }));
                }
                Err(problem) => all.unread = Some(words(&problem)),
            }
        }
        all
    }

    /// All pages of a list. One that grew too old is begun again, once.
    async fn all<R: Slim>(
        &self,
        resource: &Resource,
        namespace: Option<&Name>,
        query: &[(&str, &str)],
    ) -> Result<Vec<R>, Problem> {
        let place = namespace.map_or_else(String::new, |namespace| format!(" in namespace {namespace}"));
        let doing = format!("list {}{place}", resource.title());
        match self.pages(resource, namespace, query, &doing).await {
            Err(problem) if problem.kind == ProblemKind::Gone => self.pages(resource, namespace, query, &doing).await,
            answer => answer,
        }
    }

    async fn pages<R: Slim>(
        &self,
        resource: &Resource,
        namespace: Option<&Name>,
        query: &[(&str, &str)],
        doing: &str,
    ) -> Result<Vec<R>, Problem> {
        let mut pages = Pages::new(self.session, &resource.all(namespace), (query, PAGE), JSON, doing)
            .in_turn(resource.plural == "pods");
        let mut rows = Vec::new();
        while let Some(got) = pages.next().await? {
            let page = page::<R>(&got.body, doing)?;
            rows.extend(page.rows);
            pages.go_on(page.next);
        }
        Ok(rows)
    }

    /// A list that has no further page.
    async fn short<R: Slim>(&self, url: &str, doing: &str) -> Result<Vec<R>, Problem> {
        Ok(page(&self.session.get(url, JSON, doing).await?, doing)?.rows)
    }
}

fn page<R: Slim>(body: &[u8], doing: &str) -> Result<SlimPage<R>, Problem> {
    R::page(body).map_err(|_| Problem::unexpected(doing, "the answer is not a list of that kind"))
}

/// What to ask for, else what went wrong.
fn words(problem: &Problem) -> Clean {
    problem
        .ask()
        .cloned()
        .unwrap_or_else(|| if problem.why.is_empty() { problem.what.clone() } else { problem.why.clone() })
}

#[cfg(test)]
mod tests;
