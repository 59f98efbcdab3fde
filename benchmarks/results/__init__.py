"""Results that can be proved: publishing, crashes, verifying, tampering, rebuilding, reproducing."""
