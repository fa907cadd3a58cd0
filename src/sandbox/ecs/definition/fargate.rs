//! The sizes that Fargate offers. A task that asks for another pair is refused at registration.

/// CPU units, and the memory in MiB that goes with them: from, to, step.
const SIZES: &[(u64, u64, u64, u64)] = &[
    (512, 1024, 4096, 1024),
    (1024, 2048, 8192, 1024),
    (2048, 4096, 16384, 1024),
    (4096, 8192, 30720, 1024),
    (8192, 16384, 61440, 4096),
    (16384, 32768, 122_880, 8192),
];

pub fn offers(cpu: u64, memory: u64) -> bool {
    if cpu == 256 {
        return [512, 1024, 2048].contains(&memory);
    }
    SIZES.iter().any(|(units, from, to, step)| {
        cpu == *units && (*from..=*to).contains(&memory) && (memory - from).is_multiple_of(*step)
    })
}

/// CPU units of `256`, `.25 vCPU` or `1 vcpu`.
pub fn cpu_units(text: &str) -> Option<u64> {
    match suffixed(text, "vcpu") {
        Some(cores) => cores.parse::<f64>().ok().filter(|cores| *cores > 0.0).map(|cores| (cores * 1024.0) as u64),
        None => text.trim().parse().ok(),
    }
}

/// MiB of `512`, `1GB` or `0.5 gb`.
pub fn mebibytes(text: &str) -> Option<u64> {
    match suffixed(text, "gb") {
        Some(size) => size.parse::<f64>().ok().filter(|size| *size > 0.0).map(|size| (size * 1024.0) as u64),
        None => text.trim().parse().ok(),
    }
}

fn suffixed(text: &str, suffix: &str) -> Option<String> {
    let text = text.trim().to_ascii_lowercase();
    text.strip_suffix(suffix).map(|number| number.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_fargate() {
        assert!(offers(256, 512) && offers(1024, 8192) && offers(8192, 20480) && offers(16384, 122_880));
        assert!(!offers(256, 4096) && !offers(1024, 1024) && !offers(8192, 17408) && !offers(100, 512));
    }

    #[test]
    fn sizes_may_be_spelled_with_a_unit() {
        assert_eq!((cpu_units("256"), cpu_units(".25 vCPU"), cpu_units("lots")), (Some(256), Some(256), None));
        assert_eq!((mebibytes("512"), mebibytes("1 GB"), mebibytes("")), (Some(512), Some(1024), None));
    }
}
