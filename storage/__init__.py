"""What is kept: git repositories, records and large files; knows no HTTP, queue or XML."""
