"""Small things that everything here needs: files, locks, paths, progress, errors. Standard library only."""
