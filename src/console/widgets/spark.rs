//! A value over time in one line of cells, or as one cell: blocks by height, other signs where only ASCII is drawn.
//!
//! A stretch that was not measured is blank. A zero is not.

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const ASCII: [char; 7] = ['.', ':', '-', '=', '+', '*', '#'];

/// The sign of a share from 0 to 1.
pub fn level(share: f64, ascii: bool) -> char {
    let signs: &[char] = if ascii { &ASCII } else { &BLOCKS };
    let at = (share.clamp(0.0, 1.0) * (signs.len() - 1) as f64).round() as usize;
    signs[at.min(signs.len() - 1)]
}

/// A line of values, of which the highest sign stands for `top`.
pub fn line(values: &[Option<f64>], top: f64, ascii: bool) -> String {
    let share = |value: f64| if top > 0.0 { value / top } else { 0.0 };
    values.iter().map(|value| value.map_or(' ', |value| level(share(value), ascii))).collect()
}

/// A bar of a chart: what stands in its row `row` (0 is the lowest) of so many.
pub fn bar(share: f64, row: usize, rows: usize, ascii: bool) -> char {
    let eighths = (share.clamp(0.0, 1.0) * (rows * 8) as f64).round() as usize;
    // A value that is there has a foot, however small.
    let eighths = eighths.max(1);
    match eighths.saturating_sub(row * 8) {
        0 => ' ',
        8.. if ascii => '#',
        part if ascii => {
            if part >= 4 {
                ':'
            } else {
                '.'
            }
        }
        part => BLOCKS[part.min(8) - 1],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_blank_and_zeros_are_not() {
        let values = [None, Some(0.0), Some(50.0), Some(100.0), Some(120.0)];
        assert_eq!(line(&values, 100.0, false), " ▁▅██");
        assert_eq!(line(&values, 100.0, true), " .=##");
        assert_eq!(line(&[Some(3.0)], 0.0, false), "▁", "nothing to compare it with");
    }

    #[test]
    fn bars_stand_on_the_ground() {
        let column = |share| (0..3).map(|row| bar(share, row, 3, false)).collect::<String>();
        assert_eq!([0.0, 0.5, 1.0].map(column), ["▁  ", "█▄ ", "███"]);
        let ascii = |share| (0..3).map(|row| bar(share, row, 3, true)).collect::<String>();
        assert_eq!([0.0, 0.5, 1.0].map(ascii), [".  ", "#: ", "###"]);
    }
}
