//! Prints a document that is generated from the code's own tables: `errors` or `operations`.
use pg_dynamo_core::{error::errors_markdown, operation::operations_markdown};

fn main() -> std::process::ExitCode {
    let text = match std::env::args().nth(1).as_deref() {
        Some("errors") => errors_markdown(),
        Some("operations") => operations_markdown(),
        _ => {
            eprintln!("usage: documents errors|operations");
            return std::process::ExitCode::FAILURE;
        }
    };
    print!("{text}");
    std::process::ExitCode::SUCCESS
}
