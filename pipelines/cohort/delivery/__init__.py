"""What goes with a release besides its images: descriptions, the way of the studies, the split."""
