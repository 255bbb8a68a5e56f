"""Values and pure functions, one noun a file: `ls` reads as the glossary."""
