"""What a model is: its inputs, heads and labels; read from YAML or recognised in the ONNX itself."""
