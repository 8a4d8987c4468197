"""Ablation: which language parts earn their place, judged on valid with and without each; no training of what ships."""
