//! Where things are on the screen, from its size alone, so that update and view agree.
//!
//! Must not draw or know what is shown.

use ratatui::layout::{Rect, Size};

/// The smallest screen that is drawn on.
pub const MINIMUM: Size = Size { width: 40, height: 10 };

/// The parts of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Regions {
    /// Two lines: where we are, how the lists do.
    pub header: Rect,
    /// Everything between: the view.
    pub body: Rect,
    /// One line: hints, prompt or notice.
    pub footer: Rect,
}

/// Splits a screen.
pub const fn regions(size: Size) -> Regions {
    let Size { width, height } = size;
    let head = if height < 2 { height } else { 2 };
    let foot = if height > head { 1 } else { 0 };
    Regions {
        header: Rect::new(0, 0, width, head),
        body: Rect::new(0, head, width, height - head - foot),
        footer: Rect::new(0, height - foot, width, foot),
    }
}

/// The parts of the job list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListAreas {
    /// One line, if there is a filter: what it is and how many it hides.
    pub filter: Rect,
    /// One line: column headings.
    pub heading: Rect,
    /// One line a job.
    pub rows: Rect,
    /// One line on the selected job, where there is room for it.
    pub detail: Rect,
}

/// A body of fewer lines has none to spare for the selected job.
const DETAIL: u16 = 16;

/// Splits the body for the job list.
pub fn list(body: Rect, has_filter: bool) -> ListAreas {
    let line = |at: u16, height: u16| {
        let y = body.y.saturating_add(at).min(body.bottom());
        Rect { y, height: height.min(body.bottom() - y), ..body }
    };
    let filter = u16::from(has_filter);
    let detail = u16::from(body.height >= DETAIL);
    ListAreas {
        filter: line(0, filter),
        heading: line(filter, 1),
        rows: line(1 + filter, body.height.saturating_sub(1 + filter + detail)),
        detail: line(body.height.saturating_sub(detail), detail),
    }
}

/// The parts of a view of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClusterAreas {
    /// One line: the views, and how old it is.
    pub tabs: Rect,
    /// One line: column headings.
    pub heading: Rect,
    /// One line a row.
    pub rows: Rect,
    /// More about the selected row.
    pub about: Rect,
}

/// Lines on the selected row, where there is room for them.
const ABOUT: u16 = 6;

/// Splits the body for a view of the cluster.
pub fn cluster(body: Rect) -> ClusterAreas {
    let line = |at: u16, height: u16| {
        let y = body.y.saturating_add(at).min(body.bottom());
        Rect { y, height: height.min(body.bottom() - y), ..body }
    };
    let about = if body.height >= DETAIL { ABOUT } else { body.height / 4 };
    // A blank line stands between.
    let below = if about > 0 { about + 1 } else { 0 };
    ClusterAreas {
        tabs: line(0, 1),
        heading: line(1, 1),
        rows: line(2, body.height.saturating_sub(2 + below)),
        about: line(body.height.saturating_sub(about), about),
    }
}

/// Whether there is room to draw at all.
pub const fn fits(size: Size) -> bool {
    size.width >= MINIMUM.width && size.height >= MINIMUM.height
}

/// A box of at most `width` x `height` in the middle of `area`.
pub fn centered(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect::new(area.x + (area.width - width) / 2, area.y + (area.height - height) / 2, width, height)
}
