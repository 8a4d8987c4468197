"""What is checked before the first stage runs: params.yaml and the inputs it names. It reads files and changes none."""
