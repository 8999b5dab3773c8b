//! The rows of the overview that lead to jobs: who waits, what idles, what is wasted, who holds most.
//!
//! They have no cells: the overview is drawn as text, in which these are places to go from.

use super::{Goes, Row, only};
use crate::jobs::{capacity::Overview, text::Sym};

/// Rows of a ranking.
pub const TOP: usize = 5;

/// What leads somewhere, in its order on the screen. `idle`: whether any accelerator does nothing; `users`: the view of users.
pub fn leads(overview: &Overview, idle: bool, users: &[Row]) -> Vec<Row> {
    let row = |id: String, goes: Option<Goes>| Row { id, depth: 0, cells: Vec::new(), goes };
    let jobs = |id: &str, filter: &str| row(id.to_owned(), Some(Goes::Jobs(filter.to_owned())));
    let mut out = Vec::new();
    out.extend(idle.then(|| jobs("idle", "cause:idle")));
    out.extend((overview.wanted > 0).then(|| jobs("waiting", "is:waiting")));
    out.extend((overview.leaked.0 > 0).then(|| jobs("wasted", "is:leaking")));
    let space = |(name, _): &(Sym, u64)| row(of_space(name.as_str()), Some(Goes::Jobs(only("ns", name.as_str()))));
    out.extend(overview.namespaces.iter().take(TOP).map(space));
    out.extend(users.iter().take(TOP).map(|user| row(of_user(&user.id), user.goes.clone())));
    out
}

/// The id of a namespace's row.
pub fn of_space(name: &str) -> String {
    format!("namespace/{name}")
}

/// The id of a user's row.
pub fn of_user(name: &str) -> String {
    format!("user/{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_leads_nowhere() {
        let mut overview = Overview { namespaces: vec![(Sym::new("nlp"), 8)], ..Overview::default() };
        let ids =
            |overview: &Overview, idle| leads(overview, idle, &[]).into_iter().map(|row| row.id).collect::<Vec<_>>();
        assert_eq!(ids(&overview, false), ["namespace/nlp"]);
        (overview.wanted, overview.leaked) = (4, (2, 1, 9));
        assert_eq!(ids(&overview, true), ["idle", "waiting", "wasted", "namespace/nlp"]);
        assert_eq!(leads(&overview, true, &[])[3].goes, Some(Goes::Jobs("ns:=nlp".to_owned())));
    }
}
