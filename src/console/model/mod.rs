//! The model: everything that is on the screen, or decides what will be. One file a feature.
//!
//! Plain data with one owner, the loop. Must not do anything by itself.

pub mod alert;
pub mod change;
pub mod cluster;
pub mod compare;
pub mod draft;
pub mod keys;
pub mod list;
pub mod listen;
pub mod notices;
pub mod overlay;
pub mod page;
pub mod place;
pub mod record;
pub mod session;
pub mod survey;
pub mod visit;

use std::{collections::BTreeMap, sync::Arc};

use ratatui::layout::Size;

use self::{
    alert::AlertModel,
    change::ChangeModel,
    cluster::{Behind, ClusterModel},
    compare::CompareModel,
    draft::{Draft, DraftsModel},
    keys::KeyState,
    list::ListModel,
    listen::ListenModel,
    notices::Notices,
    overlay::Overlay,
    page::PageModel,
    place::Place,
    record::RecordModel,
    session::SessionModel,
    survey::SurveyModel,
    visit::VisitModel,
};
use super::{ids::Context, keymap::Keymap};
use crate::{
    config::commands::UserCommand,
    jobs::{Name, Secs, causes::Rules, compare::Goals, fleet::Fleet},
};

/// What was written to the terminal, and how fast.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drawn {
    /// Frames with a change in them.
    pub frames: u64,
    /// Bytes in all.
    pub bytes: u64,
    /// Bytes of the last frame with a change.
    pub last_bytes: usize,
    /// Frames and bytes a second since it was asked before, where it was.
    pub rate: Option<(u64, u64)>,
    /// When it was asked.
    pub at: Secs,
}

/// The whole state of the console.
#[derive(Debug)]
pub struct Model {
    /// The time of the newest message.
    pub now: Secs,
    /// The screen's.
    pub size: Size,
    /// Draw with ASCII only.
    pub ascii: bool,
    /// Whether mouse reports are on.
    pub mouse: bool,
    /// Connection, scope, what the cluster offers, how the lists do.
    pub session: SessionModel,
    /// The live picture of the jobs in scope.
    pub fleet: Fleet,
    /// The job list.
    pub list: ListModel,
    /// The open job page; the list is below it.
    pub page: Option<PageModel>,
    /// The open view of the cluster; the list is below it, a page above.
    pub cluster: Option<ClusterModel>,
    /// The view that led to the list as it is.
    pub behind: Option<Behind>,
    /// What one is told of without looking.
    pub alert: AlertModel,
    /// The flight recorder.
    pub record: RecordModel,
    /// Manifests that are written here.
    pub drafts: DraftsModel,
    /// What was read beside the fleet.
    pub survey: SurveyModel,
    /// Changes to the cluster.
    pub changes: ChangeModel,
    /// Logs that are looked at only for what they say.
    pub listen: ListenModel,
    /// Visits to replicas.
    pub visits: VisitModel,
    /// How many pages and logs were opened so far: their ids.
    pub opened: u32,
    /// What lies on top, the last one topmost.
    pub overlays: Vec<Overlay>,
    /// What was told.
    pub notices: Notices,
    /// Bindings, and keys that wait for more.
    pub keys: KeyState,
    /// Lines entered in the palette, newest last.
    pub palette_history: Vec<String>,
    /// Words of the palette that stand for a whole line.
    pub aliases: BTreeMap<String, String>,
    /// The view before this one.
    pub last_place: Option<Place>,
    /// What the terminal cost, for `:debug`.
    pub drawn: Drawn,
    /// The user's own commands.
    pub user_commands: Arc<[UserCommand]>,
    /// Log streams that are read at once.
    pub log_streams: usize,
    /// What runs should reach that are compared.
    pub goals: Goals,
    /// Whether something visible changed since the last frame.
    pub dirty: bool,
}

impl Model {
    /// Before anything is known.
    pub fn new(size: Size, now: Secs, keymap: Arc<Keymap>, rules: Arc<Rules>) -> Self {
        Self {
            now,
            size,
            ascii: false,
            mouse: false,
            session: SessionModel::default(),
            fleet: Fleet::new(rules),
            list: ListModel::default(),
            page: None,
            cluster: None,
            behind: None,
            alert: AlertModel::default(),
            record: RecordModel::default(),
            drafts: DraftsModel::default(),
            survey: SurveyModel::default(),
            changes: ChangeModel::default(),
            listen: ListenModel::default(),
            visits: VisitModel::default(),
            opened: 0,
            overlays: Vec::new(),
            notices: Notices::default(),
            keys: KeyState::new(keymap),
            palette_history: Vec::new(),
            aliases: BTreeMap::new(),
            last_place: None,
            drawn: Drawn::default(),
            user_commands: Arc::default(),
            log_streams: page::logs::STREAMS,
            goals: Goals::default(),
            dirty: true,
        }
    }

    /// Where keys are looked for, most specific first.
    pub fn contexts(&self) -> Vec<Context> {
        self.overlays.last().map_or_else(|| self.view_contexts(), Overlay::contexts)
    }

    /// The namespace that is meant where none is named.
    pub fn namespace(&self) -> Option<Name> {
        let scope = self.session.scope.names().first().filter(|_| self.session.scope.names().len() == 1);
        let own = self.session.info().and_then(|info| info.namespace.as_ref());
        scope.or(own).cloned()
    }

    /// Where what names no namespace is made.
    pub fn home(&self) -> Name {
        self.namespace().unwrap_or_else(|| Name::lossy("default"))
    }

    /// The draft that is open.
    pub fn draft(&self) -> Option<&Draft> {
        self.overlays.iter().rev().find_map(|overlay| match overlay {
            Overlay::Draft(draft) => Some(&**draft),
            _ => None,
        })
    }

    /// The same, to change it.
    pub fn draft_mut(&mut self) -> Option<&mut Draft> {
        self.overlays.iter_mut().rev().find_map(|overlay| match overlay {
            Overlay::Draft(draft) => Some(&mut **draft),
            _ => None,
        })
    }

    /// The comparison that is open.
    pub fn compare(&self) -> Option<&CompareModel> {
        self.overlays.iter().rev().find_map(|overlay| match overlay {
            Overlay::Compare(open) => Some(&**open),
            _ => None,
        })
    }

    /// The same, to change it.
    pub fn compare_mut(&mut self) -> Option<&mut CompareModel> {
        self.overlays.iter_mut().rev().find_map(|overlay| match overlay {
            Overlay::Compare(open) => Some(&mut **open),
            _ => None,
        })
    }

    /// The contexts of the view below all overlays.
    pub fn view_contexts(&self) -> Vec<Context> {
        let below = if self.cluster.is_some() { Context::Cluster } else { Context::List };
        self.page.as_ref().map_or_else(|| vec![below, Context::Any], PageModel::contexts)
    }

    /// When something visible will read otherwise though nothing happens.
    pub fn next_deadline(&self) -> Option<Secs> {
        let now = self.now;
        let page = self.page.as_ref().map_or_else(|| self.list.next_deadline(now), |page| page.next_deadline(now));
        let debug = self.overlays.iter().any(Overlay::is_debug).then(|| now.plus(1));
        [
            debug,
            self.record.next_deadline(),
            self.changes.next_deadline(),
            self.alert.pace.next_deadline(),
            self.notices.next_deadline(now),
            page,
            self.session.next_deadline(now),
            self.survey.next_deadline(now),
            self.listen.next_deadline(),
            self.fleet.next_deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }
}
