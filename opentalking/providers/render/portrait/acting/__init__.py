"""What a face does over time, in numbers: mouth, head, eyes and brows, frame by frame."""
