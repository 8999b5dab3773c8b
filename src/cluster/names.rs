//! Names of objects to choose from: namespaces, queues, claims, priority classes. Only their metadata is ever asked for.

use serde::Deserialize;

use super::{
    discovery::Offer,
    pages::Pages,
    paths::Resource,
    problem::{Problem, ProblemKind},
    session::Session,
};
use crate::jobs::text::Name;

/// Metadata only: of Secrets there is no more to be had. The second for a server that can't cut it down.
const SLIM: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
/// Of one kind, enough to choose from.
const MOST: usize = 5000;

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    metadata: ListMeta,
    items: Option<Vec<Item>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ListMeta {
    r#continue: Option<String>,
}

#[derive(Deserialize)]
struct Item {
    metadata: ItemMeta,
}

#[derive(Deserialize)]
struct ItemMeta {
    name: String,
}

/// The names of all objects of a kind, in this namespace where the kind has namespaces, sorted; the first 5,000 of more.
pub async fn list(
    session: &Session,
    offer: &Offer,
    (group, kind): (&str, &str),
    namespace: Option<&Name>,
) -> Result<Vec<Name>, Problem> {
    let doing = format!("list names of {kind}");
    let found = offer.resource(group, kind);
    let (resource, namespaced): (Resource, bool) = found.ok_or_else(|| {
        let why = format!("this cluster serves no {kind}");
        Problem::new(ProblemKind::NotFound, &format!("can't {doing}"), &why, "Leave the field empty.")
    })?;
    read(session, &resource, namespace.filter(|_| namespaced), &doing).await
}

/// The names of all objects of a resource, in a namespace or everywhere, page by page.
pub(super) async fn read(
    session: &Session,
    resource: &Resource,
    namespace: Option<&Name>,
    doing: &str,
) -> Result<Vec<Name>, Problem> {
    let mut pages = Pages::new(session, &resource.all(namespace), (&[], "500"), SLIM, doing);
    let mut names = Vec::new();
    while names.len() < MOST
        && let Some(page) = pages.next().await?
    {
        let list: List =
            serde_json::from_slice(&page.body).map_err(|_| Problem::unexpected(doing, "the answer is not a list"))?;
        names.extend(list.items.into_iter().flatten().filter_map(|i| Name::new(&i.metadata.name)));
        pages.go_on(list.metadata.r#continue.unwrap_or_default());
    }
    names.sort();
    Ok(names)
}
