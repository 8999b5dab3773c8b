//! Which namespaces a user can choose from.
//!
//! Namespaces may not be listed by most people; OpenShift shows them their Projects; everyone can type a name.

use super::{
    discovery::Offer,
    names,
    paths::Resource,
    problem::{Problem, ProblemKind as Kind},
    session::Session,
};
use crate::jobs::text::{Clean, Name};

/// The answer to «which namespaces are there?».
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Namespaces {
    /// All that the server names, sorted.
    Known(Vec<Name>),
    /// They may not be listed: type a name. What to ask for, to see them.
    Typed(Clean),
}

const DOING: &str = "list namespaces";

/// Namespaces, else Projects, else that one has to type.
pub async fn list(session: &Session, offer: &Offer) -> Result<Namespaces, Problem> {
    let problem = match names::read(session, &Resource::core("namespaces"), None, DOING).await {
        Ok(names) => return Ok(Namespaces::Known(names)),
        Err(problem) => problem,
    };
    if offer.projects
        && let Ok(names) =
            names::read(session, &Resource::new("project.openshift.io", "v1", "projects"), None, DOING).await
    {
        return Ok(Namespaces::Known(names));
    }
    match problem.kind {
        Kind::Forbidden => Ok(Namespaces::Typed(problem.ask().cloned().unwrap_or_else(|| Clean::new(DOING)))),
        _ => Err(problem),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::testing;

    #[tokio::test]
    async fn namespaces_come_in_pages() {
        let session = testing::session(|request| {
            let next = testing::param(&request, "continue");
            let (name, more) = if next.is_some() { ("a", "") } else { ("b", "t") };
            testing::answer(200, &json!({"metadata": {"continue": more}, "items": [{"metadata": {"name": name}}]}))
        })
        .await;
        let names = ["a", "b"].map(|n| Name::new(n).expect("a name")).to_vec();
        assert_eq!(list(&session, &Offer::default()).await, Ok(Namespaces::Known(names)));
    }

    #[tokio::test]
    async fn projects_stand_in_and_typing_is_the_last_way() {
        let session = testing::session(|request| {
            if request.uri().path().ends_with("/projects") {
                return testing::answer(200, &json!({"items": [{"metadata": {"name": "mine"}}]}));
            }
            testing::status(403, "namespaces is forbidden: User \"u\" cannot list resource \"namespaces\" in API group \"\" at the cluster scope")
        })
        .await;
        let ask = Clean::new("list namespaces in all namespaces");
        assert_eq!(list(&session, &Offer::default()).await, Ok(Namespaces::Typed(ask)));
        let mut openshift = Offer::default();
        openshift.projects = true;
        assert_eq!(list(&session, &openshift).await, Ok(Namespaces::Known(vec![Name::new("mine").expect("a name")])));
    }
}
