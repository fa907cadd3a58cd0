use std::process::ExitCode;

fn main() -> ExitCode {
    dockless::run()
}
