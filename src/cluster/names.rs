//! Names of objects to choose from: queues, claims, priority classes. Only their metadata is ever asked for.

use serde::Deserialize;

use super::{
    discovery::Offer,
    paths::{self, Resource},
    problem::{Problem, ProblemKind},
    session::Session,
};
use crate::jobs::text::Name;

/// Metadata only, and nothing else: of Secrets there is no more to be had.
const SLIM: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
/// Enough to choose from.
const MOST: &str = "500";

#[derive(Deserialize)]
struct List {
    items: Option<Vec<Item>>,
}

#[derive(Deserialize)]
struct Item {
    metadata: ItemMeta,
}

#[derive(Deserialize)]
struct ItemMeta {
    name: String,
}

/// The names of all objects of a kind, in this namespace where the kind has namespaces, sorted; at most 500.
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
    let url = format!("{}{}", resource.all(namespace.filter(|_| namespaced)), paths::query(&[("limit", MOST)]));
    let body = session.get(&url, SLIM, &doing).await?;
    let list: List =
        serde_json::from_slice(&body).map_err(|_| Problem::unexpected(&doing, "the answer is not a list"))?;
    let mut names: Vec<_> = list.items.into_iter().flatten().filter_map(|i| Name::new(&i.metadata.name)).collect();
    names.sort();
    Ok(names)
}
