# The example target of examples/target, for deploy/compose.yaml. Built from the root of a checkout.
FROM python:3.13-slim-bookworm
RUN pip install --no-cache-dir fastapi==0.165.0 uvicorn==0.54.0
COPY examples/target/app.py /target/app.py
USER 1000:1000
WORKDIR /target
EXPOSE 8000
CMD ["uvicorn", "app:app", "--host", "0.0.0.0", "--port", "8000", "--no-access-log"]
