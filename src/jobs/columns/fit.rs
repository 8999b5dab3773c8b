//! How columns share the width of a line.
//!
//! First everything has what it needs; then all shrink towards their least width; then columns are left out, the one
//! that gives way first first. The rest of the line goes to the column that takes it, or stays blank.

/// What a column would like.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Least width.
    pub min: u16,
    /// Width at which all of it can be read.
    pub natural: u16,
    /// The higher, the earlier it is left out; 0 stays.
    pub gives_way: u8,
    /// Takes the rest of the line.
    pub takes_rest: bool,
}

/// Where a column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fitted {
    /// Which of the wanted ones.
    pub index: usize,
    /// First cell.
    pub x: u16,
    /// Cells.
    pub width: u16,
}

/// Shares `width` among `wanted`, `gap` cells apart. Nothing reaches beyond `width`.
pub fn fit(wanted: &[Wanted], width: u16, gap: u16) -> Vec<Fitted> {
    let mut kept: Vec<usize> = (0..wanted.len()).collect();
    while least(wanted, &kept, gap) > u32::from(width) {
        let first = kept.iter().enumerate().max_by_key(|(_, i)| wanted[**i].gives_way);
        match first.filter(|(_, i)| wanted[**i].gives_way > 0) {
            Some((at, _)) => kept.remove(at),
            None => break,
        };
    }
    placed(&widths(wanted, &kept, width, gap), &kept, width, gap)
}

fn gaps(kept: &[usize], gap: u16) -> u32 {
    u32::from(gap) * (kept.len().saturating_sub(1) as u32)
}

fn least(wanted: &[Wanted], kept: &[usize], gap: u16) -> u32 {
    kept.iter().map(|i| u32::from(base(wanted[*i]).0)).sum::<u32>() + gaps(kept, gap)
}

/// Least and liked width; what takes the rest likes no more than its least.
fn base(wanted: Wanted) -> (u16, u16) {
    let least = wanted.min.min(wanted.natural.max(1));
    if wanted.takes_rest { (wanted.min, wanted.min) } else { (least, wanted.natural.max(least)) }
}

fn widths(wanted: &[Wanted], kept: &[usize], width: u16, gap: u16) -> Vec<u16> {
    let room = u32::from(width).saturating_sub(gaps(kept, gap));
    let mut out: Vec<u16> = kept.iter().map(|i| base(wanted[*i]).1).collect();
    let mut over = out.iter().map(|w| u32::from(*w)).sum::<u32>().saturating_sub(room);
    while over > 0 {
        let slack = |at: usize| out[at].saturating_sub(base(wanted[kept[at]]).0);
        let Some(at) = (0..out.len()).max_by_key(|at| slack(*at)).filter(|at| slack(*at) > 0) else { break };
        out[at] -= 1;
        over -= 1;
    }
    let spare = room.saturating_sub(out.iter().map(|w| u32::from(*w)).sum());
    if let Some(at) = kept.iter().position(|i| wanted[*i].takes_rest) {
        out[at] = out[at].saturating_add(u16::try_from(spare).unwrap_or(u16::MAX));
    }
    out
}

fn placed(widths: &[u16], kept: &[usize], width: u16, gap: u16) -> Vec<Fitted> {
    let mut x = 0u16;
    let mut out = Vec::with_capacity(kept.len());
    for (&index, &wide) in kept.iter().zip(widths) {
        let wide = wide.min(width.saturating_sub(x));
        if wide == 0 {
            break;
        }
        out.push(Fitted { index, x, width: wide });
        x = x.saturating_add(wide).saturating_add(gap);
    }
    out
}
