//! `nvidia-smi` in a container: its GPUs and what they do, as the command writes it.

/// The driver of all nodes, and the newest CUDA that it knows.
const VERSIONS: (&str, &str) = ("580.95.05", "13.0");
/// The exit code of what the command does not understand, and where there is no GPU.
const NOT_UNDERSTOOD: i32 = 2;
const NO_DEVICE: i32 = 6;
const TOP: &str = "+-----------------------------------------------------------------------------------------+\n";
const RULE: &str = "+-----------------------------------------+------------------------+----------------------+\n";
const HEADS: &str = "\
| GPU  Name                 Persistence-M | Bus-Id          Disp.A | Volatile Uncorr. ECC |
| Fan  Temp   Perf          Pwr:Usage/Cap |           Memory-Usage | GPU-Util  Compute M. |
|                                         |                        |               MIG M. |
|=========================================+========================+======================|
";

/// One GPU of the container.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Device {
    pub(super) name: &'static str,
    pub(super) uuid: String,
    pub(super) bus: String,
    /// Percent.
    pub(super) util: f64,
    /// MiB: in use, left, in all.
    pub(super) memory: (f64, f64, f64),
    /// Watts: drawn, at most.
    pub(super) power: (f64, f64),
    /// Degrees.
    pub(super) temperature: f64,
    /// MHz of multiprocessors and memory.
    pub(super) clocks: (f64, f64),
}

/// What the command says at a moment (as its clock writes it), and its exit code.
pub(super) fn smi(devices: &[Device], args: &[&str], clock: &str) -> (String, i32) {
    if devices.is_empty() {
        return ("No devices were found\n".to_owned(), NO_DEVICE);
    }
    let value = |key: &str| {
        let after = args.iter().position(|a| *a == key.trim_end_matches('=')).and_then(|at| args.get(at + 1)).copied();
        args.iter().find_map(|a| a.strip_prefix(key)).or(after)
    };
    let only = value("--id=").or_else(|| value("-i="));
    let chosen = devices.iter().enumerate().filter(|(index, device)| {
        only.is_none_or(|ids| ids.split(',').any(|id| id == index.to_string() || id == device.uuid))
    });
    let chosen: Vec<(usize, &Device)> = chosen.collect();
    if let Some(fields) = value("--query-gpu=") {
        return queried(&chosen, fields, value("--format=").unwrap_or_default());
    }
    match args {
        [] | ["-i" | "--id", _] => (table(&chosen, clock), 0),
        ["-L" | "--list-gpus", ..] => {
            let line = |(index, d): &(usize, &Device)| format!("GPU {index}: {} (UUID: {})\n", d.name, d.uuid);
            (chosen.iter().map(line).collect::<Vec<_>>().concat(), 0)
        }
        [first, ..] if first.starts_with("-i=") || first.starts_with("--id=") => (table(&chosen, clock), 0),
        [first, ..] => (
            format!("Invalid combination of input arguments. Please run 'nvidia-smi -h' for help.\n\n{first}\n"),
            NOT_UNDERSTOOD,
        ),
    }
}

/// One line a GPU, in the columns of a query.
fn queried(devices: &[(usize, &Device)], fields: &str, format: &str) -> (String, i32) {
    let options: Vec<&str> = format.split(',').map(str::trim).collect();
    if !options.contains(&"csv") {
        return ("\"--format=\" switch is missing. Please run 'nvidia-smi -h' for help.\n".to_owned(), NOT_UNDERSTOOD);
    }
    let (header, units) = (!options.contains(&"noheader"), !options.contains(&"nounits"));
    let columns: Vec<&str> = fields.split(',').map(str::trim).collect();
    let blank = Device::default();
    if let Some(unknown) = columns.iter().find(|column| reading((0, &blank), column).is_none()) {
        return (format!("Field \"{unknown}\" is not a valid field to query.\n\n"), NOT_UNDERSTOOD);
    }
    let mut lines = Vec::new();
    if header {
        let named = |column: &&str| match reading((0, &blank), column) {
            Some((_, unit)) if units && !unit.is_empty() => format!("{column} [{unit}]"),
            _ => (*column).to_owned(),
        };
        lines.push(columns.iter().map(named).collect::<Vec<_>>().join(", "));
    }
    for device in devices {
        let cells = columns.iter().filter_map(|column| reading(*device, column));
        let cell =
            |(value, unit): (String, &str)| if units && !unit.is_empty() { format!("{value} {unit}") } else { value };
        lines.push(cells.map(cell).collect::<Vec<_>>().join(", "));
    }
    (lines.join("\n") + "\n", 0)
}

/// A field of a GPU and its unit; `None` if it is no field.
fn reading((index, device): (usize, &Device), field: &str) -> Option<(String, &'static str)> {
    let whole = |n: f64| format!("{n:.0}");
    let (used, free, total) = device.memory;
    Some(match field {
        "index" => (index.to_string(), ""),
        "name" | "gpu_name" => (device.name.to_owned(), ""),
        "uuid" | "gpu_uuid" => (device.uuid.clone(), ""),
        "pci.bus_id" | "gpu_bus_id" => (device.bus.clone(), ""),
        "driver_version" => (VERSIONS.0.to_owned(), ""),
        "pstate" => ("P0".to_owned(), ""),
        "mig.mode.current" | "mig.mode.pending" => ("Disabled".to_owned(), ""),
        "temperature.gpu" => (whole(device.temperature), ""),
        "fan.speed" => ("[N/A]".to_owned(), ""),
        "utilization.gpu" => (whole(device.util), "%"),
        "utilization.memory" => (whole(device.util * 0.58), "%"),
        "memory.used" => (whole(used), "MiB"),
        "memory.free" => (whole(free), "MiB"),
        "memory.total" => (whole(total), "MiB"),
        "memory.reserved" => (whole((total - used - free).max(0.0)), "MiB"),
        "power.draw" | "power.draw.average" | "power.draw.instant" => (format!("{:.2}", device.power.0), "W"),
        "power.limit" | "power.max_limit" => (format!("{:.2}", device.power.1), "W"),
        "clocks.sm" | "clocks.current.sm" | "clocks.gr" => (whole(device.clocks.0), "MHz"),
        "clocks.mem" | "clocks.current.memory" => (whole(device.clocks.1), "MHz"),
        _ => return None,
    })
}

fn table(devices: &[(usize, &Device)], clock: &str) -> String {
    let (driver, cuda) = VERSIONS;
    let version = format!("NVIDIA-SMI {driver}");
    let mut text =
        format!("{clock}\n{TOP}| {version:<33} Driver Version: {driver:<14} CUDA Version: {cuda:<8} |\n{RULE}{HEADS}");
    for (index, d) in devices {
        let power = format!("{:.0}W / {:>4.0}W", d.power.0, d.power.1);
        let memory = format!("{:.0}MiB / {:>6.0}MiB", d.memory.0, d.memory.2);
        let lines = [
            format!("| {index:>3}  {:<31}On  | {:>18} Off | {:>20} |\n", d.name, d.bus, 0),
            format!(
                "| N/A  {:>3.0}C    P0    {power:>20} | {memory:>22} | {:>6.0}%      Default |\n",
                d.temperature, d.util
            ),
            format!("| {:39} | {:22} | {:>20} |\n", "", "", "Disabled"),
        ];
        text.push_str(&lines.concat());
        text.push_str(RULE);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn devices() -> Vec<Device> {
        let one = |index: u8| Device {
            name: "NVIDIA A100-SXM4-80GB",
            uuid: format!("GPU-{index}"),
            bus: format!("00000000:0{index}:00.0"),
            util: 90.0 + f64::from(index),
            memory: (61_440.0, 19_869.0, 81_920.0),
            power: (371.4, 400.0),
            temperature: 64.0,
            clocks: (1410.0, 1593.0),
        };
        vec![one(0), one(1)]
    }

    fn said(args: &[&str]) -> (String, i32) {
        smi(&devices(), args, "Fri Nov 20 08:00:00 2026")
    }

    #[test]
    fn queries_have_columns_units_and_a_header() {
        let fields = "--query-gpu=index,uuid,utilization.gpu,memory.used,power.draw,temperature.gpu";
        assert_eq!(
            said(&[fields, "--format=csv,noheader,nounits"]).0,
            "0, GPU-0, 90, 61440, 371.40, 64\n1, GPU-1, 91, 61440, 371.40, 64\n"
        );
        assert_eq!(
            said(&["--query-gpu=index,memory.total,power.limit", "--format=csv", "-i", "1"]).0,
            "index, memory.total [MiB], power.limit [W]\n1, 81920 MiB, 400.00 W\n"
        );
        assert_eq!(said(&["--query-gpu=index,beauty", "--format=csv"]).1, 2);
        assert_eq!(said(&["--query-gpu=index"]).1, 2);
    }

    #[test]
    fn the_table_is_straight_and_lists_are_short() {
        let (table, code) = said(&[]);
        assert_eq!(code, 0);
        let mut lines = table.lines();
        assert_eq!(lines.next(), Some("Fri Nov 20 08:00:00 2026"));
        let widths: Vec<usize> = lines.map(str::len).collect();
        assert!(widths.iter().all(|width| *width == 91), "{widths:?}\n{table}");
        assert!(table.contains("61440MiB /  81920MiB |     91%      Default |"), "{table}");
        assert_eq!(said(&["-L"]).0.lines().next(), Some("GPU 0: NVIDIA A100-SXM4-80GB (UUID: GPU-0)"));
        assert_eq!(smi(&[], &[], ""), ("No devices were found\n".to_owned(), 6));
        assert_eq!(said(&["--nonsense"]).1, 2);
    }
}
