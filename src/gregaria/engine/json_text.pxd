cpdef bytes json_text(object value)
