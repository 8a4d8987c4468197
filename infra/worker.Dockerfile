# The worker runs every DVC stage, so it needs the whole environment; the service's image is the Bento's own.
FROM python:3.11-slim
RUN apt-get update && apt-get install --yes --no-install-recommends git make libgomp1 && rm -rf /var/lib/apt/lists/*
WORKDIR /project
COPY requirements.lock pyproject.toml ./
RUN pip install --no-cache-dir uv && uv pip install --system --no-cache -r requirements.lock
ENV PYTHONPATH=/project PYTHONDONTWRITEBYTECODE=1
