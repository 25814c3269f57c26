"""What a sync would do, and what a crash left: `plan` and `doctor`. Only `repair` changes a destination."""
